from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from access.reach import limit
from feedbackloops.acts import ACTS
from feedbackloops.admin.again import again_page, begun_words
from feedbackloops.admin.forms import LoopForm
from feedbackloops.admin.listed import ListedDeliveries
from feedbackloops.admin.listing import LoopList
from feedbackloops.admin.moving import MovePages
from feedbackloops.admin.narrowing import field_choice
from feedbackloops.admin.picker import counts_of_account
from feedbackloops.admin.secrets import SecretPages, public_record
from feedbackloops.admin.sections.changes import by_programs, with_values
from feedbackloops.admin.sections.page import followed, sections_of
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.admin.testbench.pages import BenchPages
from feedbackloops.models import Delivery, FeedbackLoop
from feedbackloops.words import resend_words
from profiles.models import Account
from profiles.pages import Page

PROGRAMS_SHOWN = 200
SCRIPT = (_("Script"), {"fields": ["account", "name", "url", "contact", "body_format", "status"]})
EVENTS = (_("Events"), {"fields": ["event_types", "people_only"]})
EVENTS_AND_DATABASES = (_("Events"), {"fields": ["event_types", "people_only", "databases"]})
CALLS = (_("What the calls carry"), {"fields": ["only_fields", "left_out"]})
LIMITS = (_("Limits"), {"fields": ["in_flight_limit", "rate_limit"]})
SIGNING = (
    _("Signing"),
    {"fields": ["rsa_key", "rsa_key_id", "new_rsa_key", "make_rsa_key", "remove_rsa_key"]},
)

_KEPT: Final = "_rsa_key_shown"


@admin.register(FeedbackLoop)
class FeedbackLoopAdmin(LoopList, SecretPages, BenchPages, MovePages, ListedDeliveries, Page):
    form = LoopForm
    search_fields = ["name", "url", "account__name"]
    search_help_text = _("Part of the name, URL or account")
    autocomplete_fields = ["account"]
    actions = ["check_now", "call_test", "pause", "resume"]
    change_form_template = "admin/feedbackloops/feedbackloop/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedbackLoop]:
        return super().get_queryset(request).select_related("account", "lane")

    def get_fieldsets(self, request: HttpRequest, obj: FeedbackLoop | None = None) -> Any:
        """How calls are signed is for those who may change the loop; databases are chosen once the account is known."""
        if obj is None:
            return [SCRIPT, EVENTS, CALLS, LIMITS]
        shown = [SCRIPT, EVENTS_AND_DATABASES, CALLS, LIMITS]
        return [*shown, SIGNING] if self.has_change_permission(request, obj) else shown

    def get_readonly_fields(self, request: HttpRequest, obj: FeedbackLoop | None = None) -> list[str]:
        return ["account", "rsa_key"] if obj else []

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        widget = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, widget=widget, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: FeedbackLoop | None = None) -> bool:
        """A loop that was owed anything stays, disabled: its deliveries would wait for ever without it."""
        if obj is None or not super().has_delete_permission(request, obj):
            return False
        return not Delivery.objects.filter(loop=obj).exists()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/do/<slug:act>/", wrap(self.act_view), name="feedbackloops_feedbackloop_act"),
            path("<path:object_id>/again/", wrap(self.again_view), name="feedbackloops_feedbackloop_again"),
            path("add/expected/", wrap(self.expected_view), name="feedbackloops_feedbackloop_expected"),
            path("add/fields/", wrap(self.fields_view), name="feedbackloops_feedbackloop_fields"),
            path("<path:object_id>/part/<slug:part>/", wrap(self.part_view), name="feedbackloops_feedbackloop_part"),
            path("<path:object_id>/file/", wrap(self.file_view), name="feedbackloops_feedbackloop_file"),
        ]
        return [*own, *super().get_urls()]

    def act_view(self, request: HttpRequest, object_id: str, act: str) -> HttpResponse:
        """Do what a button of the loop's page says."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if act not in ACTS:
            raise Http404
        loop = self.found(request, object_id, "change")
        self._do(request, act, [loop])
        at = request.POST.get("at", "")
        return HttpResponseRedirect(self._url_of(loop) + (f"#{at}" if followed(at) else ""))

    def part_view(self, request: HttpRequest, object_id: str, part: str) -> HttpResponse:
        """A section of the loop's page, for a page that is open while something in it is under way."""
        loop, section = self.found(request, object_id), followed(part)
        if section is None:
            raise Http404
        data = section.gather(Visit(request, loop, now(), self.has_change_permission(request, loop)))
        if data is None:
            raise Http404
        context = {"data": data, "loop": loop}
        return HttpResponse(
            render_to_string(section.template, context, request), headers={"Cache-Control": "private, no-store"}
        )

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """All that staff did to the loop, and what programs last did."""
        loop = self.get_object(request, object_id)
        programs = by_programs(loop, PROGRAMS_SHOWN) if loop else []
        return super().history_view(request, object_id, {**(extra_context or {}), "programs": programs})

    def again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send much of a loop again."""
        loop = self.get_object(request, object_id)
        if loop is None:
            raise Http404
        answer = again_page(request, loop, self.admin_site.each_context(request) | {"opts": self.opts})
        if isinstance(answer, HttpResponse):
            return answer
        self.log_change(request, loop, gettext("Had sent again: %(what)s") % {"what": resend_words(answer)})
        self.message_user(request, begun_words(answer))
        return HttpResponseRedirect(self._url_of(loop))

    def expected_view(self, request: HttpRequest) -> HttpResponse:
        """How many events of each type an account had lately, for who chooses those of a new loop."""
        return JsonResponse(counts_of_account(self._account_asked(request)))

    def fields_view(self, request: HttpRequest) -> HttpResponse:
        """The fields that an account's profiles have, to choose those that a new loop sends."""
        choice = field_choice(self._account_asked(request))
        return HttpResponse(choice, headers={"Cache-Control": "private, no-store"})

    def _account_asked(self, request: HttpRequest) -> int:
        if not self.has_add_permission(request):
            raise PermissionDenied
        number = request.GET.get("account", "")
        known = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
        account = limit(Account.objects.filter(pk=known), request.user).first()
        if account is None:
            raise Http404
        return account.pk

    def file_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The verification file, to be uploaded as it is."""
        loop = self.found(request, object_id)
        disposition = f'attachment; filename="{loop.verification_file}"'
        return HttpResponse(
            loop.verification_content, content_type="text/plain", headers={"Content-Disposition": disposition}
        )

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if original := context["original"]:
            loop = original
            if request.method == "POST":
                # The form has put into the original what was entered, also where that can't be saved.
                loop = self.get_queryset(request).get(pk=original.pk)
            visit = Visit(request, loop, now(), self.has_change_permission(request, loop))
            context |= {"loop": loop, "sections": sections_of(visit)}
            # Between the panels and the form, where Unfold puts them, they would be out of sight.
            context |= {"page_errors": context["errors"], "errors": None}
        return super().render_change_form(request, context, *args, **kwargs)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        message = super().construct_change_message(request, form, formsets, add)
        return message if add else with_values(message, form)

    def save_model(self, request: HttpRequest, obj: FeedbackLoop, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_verified:
            words = gettext(
                "Next step: download the verification file below and place it at one of the addresses shown. Nothing "
                "is sent to “%(name)s” before it was seen there; we look by ourselves for a day."
            )
            self.message_user(request, words % {"name": obj.name}, messages.WARNING)

    def response_post_save_add(self, request: HttpRequest, obj: FeedbackLoop) -> HttpResponseRedirect:
        return HttpResponseRedirect(self._url_of(obj))

    @admin.action(description=_("Check now for the verification file"), permissions=["change"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> None:
        self._do(request, "check_now", queryset)

    @admin.action(description=_("Send a test call"), permissions=["change"])
    def call_test(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> None:
        self._do(request, "call_test", queryset)

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> None:
        self._do(request, "pause", queryset)

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> None:
        self._do(request, "resume", queryset)

    @admin.display(description=_("RSA key"))
    def rsa_key(self, loop: FeedbackLoop) -> str:
        """The public half of what is stored. The theme asks for it five times to show it once."""
        if not hasattr(loop, _KEPT):
            stored = FeedbackLoop.objects.only("rsa_private_key", "rsa_key_id").get(pk=loop.pk)
            context = {"record": public_record(stored.rsa_private_key), "key_id": stored.rsa_key_id}
            setattr(loop, _KEPT, render_to_string("admin/feedbackloops/feedbackloop/rsa_key.html", context))
        shown: str = getattr(loop, _KEPT)
        return shown

    def _do(self, request: HttpRequest, act: str, loops: Sequence[FeedbackLoop] | QuerySet[FeedbackLoop]) -> None:
        done = ACTS[act].do(list(loops), request.user)  # type: ignore[arg-type]  # who may, has logged in
        self.message_user(request, done.words)
        for loop in done.loops:
            self.log_change(request, loop, str(ACTS[act].logged))

    def _url_of(self, loop: FeedbackLoop) -> str:
        return reverse("admin:feedbackloops_feedbackloop_change", args=[loop.pk])
