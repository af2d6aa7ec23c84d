"""Forgetting a person from the profile's page, and the list of those who were."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.forgetting import words
from feedbackloops.forgetting.people import MOST_COUNTED, ask_for_forgetting, counts_of, person_of, twins_of
from feedbackloops.models import Forgetting
from feedbackloops.models.forgetting import Stage
from profiles.admin import ProfileAdmin
from profiles.models import Profile
from profiles.pages import LookupFilter, ReadPage
from profiles.showing import NOTHING, badge, related_link, when

RIGHT = "feedbackloops.forget_person"
TEMPLATE = "admin/profiles/profile/forget.html"
EVERYWHERE = "everywhere"
MOST_TWINS = 20

admin.site.unregister(Profile)


@admin.register(Profile)
class ForgettableProfileAdmin(ProfileAdmin):
    """The profile's pages, with the one that forgets its person."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.forget_view)
        return [path("<path:object_id>/forget/", view, name="profiles_profile_forget"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context["original"] and request.user.has_perm(RIGHT):
            context["forget_address"] = reverse("admin:profiles_profile_forget", args=[context["original"].pk])
        return super().render_change_form(request, context, *args, **kwargs)

    def forget_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """With GET what would be removed; with POST the order to do so."""
        profile = self.found(request, object_id)
        if not request.user.has_perm(RIGHT):
            raise PermissionDenied
        if request.method != "POST":
            return self._forget_page(request, profile)
        order = ask_for_forgetting(person_of(profile, everywhere=EVERYWHERE in request.POST), request.user)
        # The profile's entry goes with it.
        for subject in (profile, order):
            self.log_acts(request, [subject], gettext("Asked for the person to be forgotten."))
        told = gettext("Being forgotten. Reload this page to see how far it has come.")
        self.message_user(request, told, messages.SUCCESS)
        # Who may forget may see that it was done.
        return HttpResponseRedirect(reverse("admin:feedbackloops_forgetting_change", args=[order.pk]))

    def _forget_page(self, request: HttpRequest, profile: Profile) -> HttpResponse:
        everywhere = EVERYWHERE in request.GET
        person = person_of(profile, everywhere=everywhere)
        twins = twins_of(person_of(profile)).select_related("database")
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Forget the person of profile %(number)s?") % {"number": profile.pk},
            "opts": self.opts,
            "original": profile,
            "counts": [(words.COUNTED[kind], _counted(number)) for kind, number in counts_of(person).items()],
            "address": profile.address,
            "twins": twins[:MOST_TWINS],
            "more_twins": max(0, twins.count() - MOST_TWINS),
            "everywhere": everywhere,
        }
        return TemplateResponse(request, TEMPLATE, context)


def _counted(number: int) -> str:
    if number < MOST_COUNTED:
        return number_format(number, force_grouping=True)
    return gettext("%(number)s or more") % {"number": number_format(MOST_COUNTED, force_grouping=True)}


@admin.register(Forgetting)
class ForgettingAdmin(ReadPage):
    """Who was forgotten, without saying who: when, by whom, how many rows, and whether anything is left."""

    list_display = ["asked_shown", "account_link", "state", "rows", "by"]
    list_display_links = ["asked_shown"]
    list_filter = [("account", LookupFilter)]
    sortable_by = ()
    warn_unsaved_form = False
    fields = ["asked_shown", "by", "account_link", "state", "ended", "what", "remains"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Forgetting]:
        lists = ("profiles", "addresses", "messages", "under_way")
        return super().get_queryset(request).select_related("account", "asked_by").defer(*lists)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or request.user.has_perm(RIGHT)

    @admin.display(description=_("Asked for"))
    def asked_shown(self, order: Forgetting) -> str:
        return when(order.asked)

    @admin.display(description=_("By"))
    def by(self, order: Forgetting) -> str:
        return str(order.asked_by or gettext("a program, or from the shell"))

    @admin.display(description=_("Account"))
    def account_link(self, order: Forgetting) -> str:
        return related_link(order, "account")

    @admin.display(description=_("State"))
    def state(self, order: Forgetting) -> str:
        if order.stage != Stage.DONE:
            return badge(gettext("under way: %(stage)s") % {"stage": order.get_stage_display()}, "info")
        return (
            badge(gettext("something is left"), "danger") if order.left else badge(gettext("nothing left"), "success")
        )

    @admin.display(description=_("Rows removed"))
    def rows(self, order: Forgetting) -> str:
        return number_format(sum(order.removed.values()), force_grouping=True)

    @admin.display(description=_("Ended"))
    def ended(self, order: Forgetting) -> str:
        return when(order.finished)

    @admin.display(description=_("What was removed"))
    def what(self, order: Forgetting) -> str:
        kinds = sorted(order.removed, key=lambda kind: [*words.COUNTED, kind].index(kind))
        lines = ((words.counted(kind), _plain(order.removed[kind])) for kind in kinds)
        return format_html_join("", "{}: {}<br>", lines) or NOTHING

    @admin.display(description=_("What still names the person"))
    def remains(self, order: Forgetting) -> str:
        if order.stage != Stage.DONE:
            return gettext("The whole database is searched at the end.")
        if not order.left:
            return gettext("Nothing. Every table and the spool was searched.")
        lines = ((words.place(place), _plain(number)) for place, number in sorted(order.left.items()))
        return format_html("{}{}", format_html_join("", "{}: {}<br>", lines), words.ADVICE)


def _plain(number: int) -> str:
    return number_format(number, force_grouping=True)
