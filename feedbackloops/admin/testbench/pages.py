"""The addresses of a loop's test bench."""

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from feedbackloops import testcalls
from feedbackloops.admin.narrowing import left_out_labels
from feedbackloops.admin.picker import type_choices
from feedbackloops.admin.testbench.editor import Draft
from feedbackloops.admin.testbench.shown import lines_of, result_of
from feedbackloops.models import FeedbackLoop, TestCall
from feedbackloops.protocol.payload import NAMES
from profiles.pages import Page

if TYPE_CHECKING:
    Base = Page
else:
    Base = object

TEMPLATE: Final = "admin/feedbackloops/testbench/page.html"
RESULT: Final = "admin/feedbackloops/testbench/_result.html"


class BenchPages(Base):
    """The test bench of a loop, for those who may change it. Nothing is sent but by a POST, which the log tells of."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/bench/", wrap(self.bench_view), name="feedbackloops_feedbackloop_bench"),
            path(
                "<path:object_id>/bench/<uuid:call>/",
                wrap(self.test_call_view),
                name="feedbackloops_feedbackloop_test_call",
            ),
        ]
        return [*own, *super().get_urls()]

    def bench_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The editor; with POST, what the button says that was pressed."""
        loop = self._loop_to_test(request, object_id)
        if request.method != "POST":
            type = request.GET.get("type", "")
            return self._bench(request, loop, Draft.sample(type if type in NAMES else loop.event_types[0]))
        draft = Draft.typed(request.POST, loop.event_types[0])
        chosen, act = request.POST.get("type", draft.type), request.POST.get("do", "")
        if chosen in NAMES and chosen != draft.type:
            return self._bench(request, loop, self._of_type(request, draft, chosen, act))
        if act == "send":
            return self._send_test(request, loop, draft)
        return self._bench(request, loop, _pressed(draft, act))

    def test_call_view(self, request: HttpRequest, object_id: str, call: UUID) -> HttpResponse:
        """What came of a test call, and the editor with what was sent; with `part`, the first of these alone."""
        if request.method == "POST":
            return HttpResponseNotAllowed(["GET"])
        loop = self._loop_to_test(request, object_id)
        found = TestCall.objects.filter(loop=loop, pk=call).select_related("sender").first()
        if found is None:
            raise Http404
        if "part" in request.GET:
            return render(request, RESULT, {"result": result_of(found, now()), "loop": loop})
        return self._bench(request, loop, Draft.of(found.event_type, found.fields), found)

    def _loop_to_test(self, request: HttpRequest, object_id: str) -> FeedbackLoop:
        loop: FeedbackLoop = self.found(request, object_id, "change")
        return loop

    def _bench(
        self, request: HttpRequest, loop: FeedbackLoop, draft: Draft, call: TestCall | None = None
    ) -> TemplateResponse:
        moment = now()
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Test bench: %(name)s") % {"name": loop.name},
            "loop": loop,
            "draft": draft,
            "left_out": left_out_labels(loop),
            "types": type_choices(),
            "result": result_of(call, moment) if call else None,
            "lines": lines_of(list(TestCall.objects.of(loop)), moment),
        }
        return TemplateResponse(request, TEMPLATE, context)

    def _of_type(self, request: HttpRequest, draft: Draft, type: str, act: str) -> Draft:
        changed = draft.of_type(type)
        if act == "send" and not changed.problems:
            words = _("Nothing was sent yet: these are the fields of the type that you chose. Look them over first.")
            self.message_user(request, words, messages.WARNING)
        return changed

    def _send_test(self, request: HttpRequest, loop: FeedbackLoop, draft: Draft) -> HttpResponse:
        fields, checked = draft.checked(loop)
        if checked.problems:
            return self._bench(request, loop, checked)
        if not loop.is_verified:
            words = _("Nothing was sent: the place of the loop’s URL is not verified yet.")
            self.message_user(request, words, messages.ERROR)
            return self._bench(request, loop, checked)
        try:
            call = testcalls.ask_for_call(loop, request.user, draft.type, fields)  # type: ignore[arg-type]
        except testcalls.Busy:
            words = _("Nothing was sent: a test call to this loop is under way. Wait for its answer, then send again.")
            self.message_user(request, words, messages.WARNING)
            return self._bench(request, loop, checked)
        self.log_acts(request, [loop], _("Sent a test call (%(type)s).") % {"type": draft.type})
        address = reverse("admin:feedbackloops_feedbackloop_test_call", args=[loop.pk, call.pk])
        return HttpResponseRedirect(f"{address}#result")


def _pressed(draft: Draft, act: str) -> Draft:
    if act in ("json", "form"):
        return draft.switched(to_json=act == "json")
    return draft.with_more_rows() if act == "more" else draft
