"""The page of one delivery: what happened, and the buttons that go on from there."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedbackloops.admin.audit import ended_by_loop, sent_again_words
from feedbackloops.admin.ofaccount import LoopsHistoryPage
from feedbackloops.durations import short_time
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop
from feedbackloops.recent import standing
from feedbackloops.resending import send_again
from feedbackloops.steering import cancel, send_now
from feedbackloops.story.page import Story, is_waiting, story_of
from feedbackloops.words import delivery_words, hold_of
from profiles.showing import related

RESENT: Final = gettext_lazy("Asked for it to be sent again.")
TONES: Final = {DeliveryState.DELIVERED: "good", DeliveryState.GIVEN_UP: "bad", DeliveryState.CANCELLED: "still"}
Said = tuple[str, int]


class Button(NamedTuple):
    """A button of the page: where it leads, what it says, its icon."""

    act: str
    label: Any
    icon: str


AGAIN: Final = Button("again", gettext_lazy("Send again"), "replay")
NOW: Final = Button("now", gettext_lazy("Send now"), "bolt")
CANCEL: Final = Button("cancel", gettext_lazy("Cancel"), "close")


class DeliveryPage(LoopsHistoryPage):
    """What happens on and to a single delivery's page."""

    change_form_template = "admin/feedbackloops/delivery/change_form.html"
    fields = ["id"]

    class Media:
        css = {"all": ["marketingsuite/history.css"]}
        js = ["marketingsuite/live.js"]

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedbackloops.change_delivery")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        delivery, moment = context["original"], now()
        may_send = self.has_resend_permission(request)
        story = story_of(delivery, moment, may_send=may_send and _may_see_loops(request))
        context |= {"story": story, "title": _headline(delivery), "tone": _tone(delivery)}
        context |= {"words": _words(delivery, story), "buttons": _buttons(delivery) if may_send else []}
        context |= {"due_in": _due_in(delivery, story), "took": _took(delivery, story), "waits": is_waiting(delivery)}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        acts: dict[str, Callable[[HttpRequest, Delivery], Said]] = {
            "again": self._again,
            "now": self._now,
            "cancel": self._cancel,
        }
        own = [
            path(
                f"<path:object_id>/{act}/",
                self.admin_site.admin_view(partial(self.act_view, do=do)),
                name=f"feedbackloops_delivery_{act}",
            )
            for act, do in acts.items()
        ]
        return [*own, *super().get_urls()]

    def act_view(
        self, request: HttpRequest, object_id: str, do: Callable[[HttpRequest, Delivery], Said]
    ) -> HttpResponse:
        """Do something to one delivery, from its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_resend_permission(request):
            raise PermissionDenied
        delivery = self.get_object(request, object_id)
        if delivery is None:
            raise Http404
        self.message_user(request, *do(request, delivery))
        return HttpResponseRedirect(reverse("admin:feedbackloops_delivery_change", args=[delivery.pk]))

    def log_sent_again(self, request: HttpRequest, deliveries: list[Any], ended: dict[int, int]) -> None:
        """Note with deliveries and loops that these were sent again."""
        self.log_acts(request, [Delivery(pk=id) for id in deliveries], str(RESENT))
        for loop in FeedbackLoop.objects.filter(pk__in=ended):
            self.log_acts(request, [loop], sent_again_words(ended[loop.pk]))

    def _again(self, request: HttpRequest, delivery: Delivery) -> Said:
        ended = ended_by_loop([delivery.pk])
        said = _resend_one(delivery)
        self.log_sent_again(request, [delivery.pk], ended)
        return said

    def _now(self, request: HttpRequest, delivery: Delivery) -> Said:
        if not send_now([delivery.pk]):
            return _("It was not waiting any more, so it was left as it is."), messages.WARNING
        self.log_acts(request, [delivery], _("Asked for its next attempt at once."))
        loop = related(delivery, "loop")
        if loop and (hold := hold_of(loop, now())):
            return _("It goes out once the loop sends again; now %(hold)s.") % {"hold": hold}, messages.WARNING
        return _("It is sent now. Reload the page in a few seconds."), messages.SUCCESS

    def _cancel(self, request: HttpRequest, delivery: Delivery) -> Said:
        if not cancel([delivery.pk]):
            return _("It was not waiting any more, so it was left as it is."), messages.WARNING
        self.log_acts(request, [delivery], _("Cancelled."))
        return _("Cancelled: nothing more is sent, unless you send it again."), messages.SUCCESS


def _resend_one(delivery: Delivery) -> Said:
    if not send_again([delivery.pk]):
        return _("It is still waiting, so it was left as it is."), messages.WARNING
    loop = related(delivery, "loop")
    if loop and (hold := hold_of(loop, now())):
        return _("It is sent again once the loop sends again; now %(hold)s.") % {"hold": hold}, messages.WARNING
    number = len(settings.RETRY_SCHEDULE) + 1
    return _("It is sent again now; %(number)s attempts if it fails.") % {"number": number}, messages.SUCCESS


def _may_see_loops(request: HttpRequest) -> bool:
    return any(request.user.has_perm(f"feedbackloops.{right}_feedbackloop") for right in ("view", "change"))


def _buttons(delivery: Delivery) -> list[Button]:
    return [NOW, CANCEL] if is_waiting(delivery) else [AGAIN]


def _headline(delivery: Delivery) -> str:
    number = delivery.attempts
    if delivery.state == DeliveryState.DELIVERED:
        return _("Delivered at the first try") if number == 1 else _("Delivered at attempt %(n)s") % {"n": number}
    if delivery.state == DeliveryState.GIVEN_UP:
        return _("Given up after %(n)s attempts") % {"n": number} if number > 1 else _("Given up")
    if delivery.state == DeliveryState.CANCELLED:
        return _("Cancelled")
    if not number:
        return _("Waiting for its first attempt")
    return _("Failing: %(n)s attempts so far") % {"n": number} if number > 1 else _("Failed once so far")


def _tone(delivery: Delivery) -> str:
    waiting = "mild" if delivery.attempts else "new"
    return TONES.get(DeliveryState(delivery.state), waiting)


def _words(delivery: Delivery, story: Story) -> str:
    words = delivery_words(delivery, story.loop, now())
    if not is_waiting(delivery) or story.loop is None:
        return words
    loop = _("Its loop: %(words)s") % {"words": standing(story.loop, now()).words}
    return f"{words} {loop}"


def _due_in(delivery: Delivery, story: Story) -> str:
    """How long it is until the next attempt; empty where none is to come, or something holds it back."""
    if not is_waiting(delivery) or (story.loop and hold_of(story.loop, max(now(), delivery.next_attempt))):
        return ""
    left = (delivery.next_attempt - now()).total_seconds()
    return _("in %(time)s") % {"time": short_time(left)} if left > 0 else _("due now")


def _took(delivery: Delivery, story: Story) -> str:
    """How long it took from the event to the receipt."""
    if delivery.state != DeliveryState.DELIVERED or story.last is None:
        return ""
    ended = story.last.attempt.started.timestamp() + story.last.attempt.total
    return short_time(max(0.0, ended - delivery.occurred_at.timestamp()))
