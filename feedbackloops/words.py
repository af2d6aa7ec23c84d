"""How loops and deliveries stand, in sentences for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Prefetch
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feedbackloops.durations import about, times
from feedbackloops.models import (
    Attempt,
    Delivery,
    DeliveryState,
    FeedbackLoop,
    LaneState,
    LoopStatus,
    Notice,
    Resend,
    StopReason,
)
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.protocol.pacing import TROUBLES_TO_REST
from profiles.showing import NOTHING, short_when, when

_HELD = {
    LoopStatus.PAUSED: gettext_lazy("Paused: events are kept, and sent once you press Resume."),
    LoopStatus.DISABLED: gettext_lazy("Disabled: no new events are kept for it, and nothing is sent."),
}

# The loops of deliveries, with no more than hold_of() reads.
LOOPS_WITH_HOLDS = Prefetch(
    "loop",
    FeedbackLoop.objects.select_related("lane").only(
        "name", "status", "place", "verified_place", "lane__stopped", "lane__cooling_until"
    ),
)


class Kind(StrEnum):
    """What staff should think of a loop at a glance."""

    OK = "ok"
    WAITING = "waiting"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Standing:
    """What becomes of a loop's events."""

    kind: Kind
    words: str


def lane_of(loop: FeedbackLoop) -> LaneState:
    """The loop's lane; one that has never been held, where the row is missing."""
    try:
        return loop.lane
    except LaneState.DoesNotExist:
        return LaneState(loop=loop)


def is_stopped(loop: FeedbackLoop) -> bool:
    """Whether the lane has stopped by itself."""
    return lane_of(loop).stopped is not None


def is_resting(lane: LaneState, now: datetime) -> bool:
    """Whether the lane gives its script a rest at this moment."""
    return lane.cooling_until is not None and lane.cooling_until > now


def verified_words(loop: FeedbackLoop) -> str:
    """Whether calls may go to the loop's URL."""
    if loop.is_verified:
        return _("Verified")
    return _("Has to be verified again") if loop.verified_place else _("Not verified yet")


def standing_of(loop: FeedbackLoop, recent: Sequence[Attempt], now: datetime) -> Standing:
    """What becomes of the loop's events at this moment, and why. `recent`: its last attempts, the newest first."""
    if held := _HELD.get(LoopStatus(loop.status)):
        return Standing(Kind.WAITING, str(held))
    lane = lane_of(loop)
    if is_stopped(loop):
        return Standing(Kind.TROUBLE, _stop_words(lane))
    if not loop.is_verified:
        return Standing(Kind.WAITING, _unverified_words(loop))
    if trouble := _pace_words(lane, now) or _failure_words(lane, recent):
        return Standing(Kind.TROUBLE, trouble)
    return Standing(Kind.OK, _("Every event goes out as it comes."))


def failing_words(lane: LaneState, most: float) -> str:
    """For how long no call has succeeded, and what comes of it after `most` seconds of trying; empty where one has."""
    if lane.failing_since is None or lane.stopped:
        return ""
    told = {"since": when(lane.failing_since), "left": about(max(0.0, most - lane.failing_for))}
    if lane.told:
        words = _(
            "No call has succeeded since %(since)s. The loop is stopped after another %(left)s of trying. Contact and "
            "staff were told."
        )
    else:
        words = _("No call has succeeded since %(since)s. The loop is stopped after another %(left)s of trying.")
    return words % told


def _stop_words(lane: LaneState) -> str:
    words = _(
        "Stopped by itself on %(when)s: %(reason)s. Events from now on are not kept; what waits is held. Press Resume "
        "once the script wants events again."
    )
    return words % {"when": when(lane.stopped), "reason": _stop_reason(lane)}


def _stop_reason(lane: LaneState) -> str:
    if lane.stop_reason == StopReason.FAILING and lane.failing_since:
        return _("no call has succeeded in %(time)s of trying") % {"time": about(lane.failing_for)}
    known = lane.stop_reason in StopReason.values
    return str(StopReason(lane.stop_reason).label) if known else _("no reason was noted")


def _unverified_words(loop: FeedbackLoop) -> str:
    if loop.verified_place:
        return _("Waiting: the URL leads to another place now. Events are kept until the file was seen there.")
    return _("Waiting: nothing is kept or sent before the verification file was seen.")


def _pace_words(lane: LaneState, now: datetime) -> str:
    told = {"until": when(lane.cooling_until), "trouble": lane.last_trouble}
    if is_resting(lane, now):
        because = _("Resting until %(until)s because of this: %(trouble)s")
        return (because if lane.last_trouble else _("Resting until %(until)s.")) % told
    if lane.troubles >= TROUBLES_TO_REST:
        because = _("Trying one delivery at a time because of this: %(trouble)s")
        return (because if lane.last_trouble else _("Trying one delivery at a time.")) % told
    return ""


def _failure_words(lane: LaneState, recent: Sequence[Attempt]) -> str:
    if not recent or any(attempt.outcome == Outcome.ACCEPTED for attempt in recent):
        return ""
    # Attempts are ordered by their events' time: one of an older event may have gone well since.
    if lane.last_success and lane.last_success > min(attempt.started for attempt in recent):
        return ""
    told = {"number": len(recent), "status": recent[0].status, "words": attempt_words(recent[0])}
    refused = {attempt.outcome for attempt in recent} <= {Outcome.REJECTED, Outcome.GONE}
    if refused and len({attempt.status for attempt in recent}) == 1:
        words = ngettext(
            "Failing: the script refused the last call (status %(status)d).",
            "Failing: the script refused the last %(number)d calls (status %(status)d).",
            len(recent),
        )
    else:
        words = ngettext(
            "Failing: the last call did not succeed. %(words)s",
            "Failing: the last %(number)d calls did not succeed. %(words)s",
            len(recent),
        )
    return words % told


def hold_of(loop: FeedbackLoop, now: datetime) -> str:
    """What holds back all that is owed to the loop, such as "the loop is paused"; empty where nothing does."""
    if loop.status != LoopStatus.ACTIVE:
        return _("the loop is paused") if loop.status == LoopStatus.PAUSED else _("the loop is disabled")
    if is_stopped(loop):
        return _("the loop has stopped by itself")
    if not loop.is_verified:
        return _("the loop is not verified")
    lane = lane_of(loop)
    resting = is_resting(lane, now)
    return _("the loop rests until %(when)s") % {"when": when(lane.cooling_until)} if resting else ""


def waiting_words(waiting: int, rate: float | None, *, is_more: bool, is_held: bool) -> str:
    """How many deliveries wait, and how long it takes to send them at `rate` calls a second (None: not known).

    `is_more`: there are more than that.
    """
    number = _("more than %(number)s") % {"number": f"{waiting:,}"} if is_more else f"{waiting:,}"
    if rate is None or not waiting:
        return number
    time = about(max(1.0, waiting / rate))
    took = (_("more than %(time)s") if is_more else _("about %(time)s")) % {"time": time}
    told = {"number": number, "rate": f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}", "took": took}
    if is_held:
        return _("%(number)s; once it sends again, at %(rate)s a second, %(took)s") % told
    return _("%(number)s; at %(rate)s a second, %(took)s") % told


def due_words(delivery: Delivery, loop: FeedbackLoop | None, now: datetime) -> str:
    """When the next attempt of a delivery is due, or what holds it back."""
    if delivery.state != DeliveryState.PENDING:
        return NOTHING
    if held := _held_words(delivery, loop, now):
        return held
    return _("due now") if delivery.next_attempt <= now else short_when(delivery.next_attempt)


def _held_words(delivery: Delivery, loop: FeedbackLoop | None, now: datetime) -> str:
    # A rest that is over by then holds nothing back.
    hold = hold_of(loop, max(now, delivery.next_attempt)) if loop else ""
    return _("held: %(hold)s") % {"hold": hold} if hold else ""


def delivery_words(delivery: Delivery, loop: FeedbackLoop | None, now: datetime) -> str:
    """Where a delivery stands."""
    tries = times(delivery.attempts)
    if delivery.state == DeliveryState.DELIVERED:
        return _("Delivered: the script accepted it, tried %(times)s.") % {"times": tries}
    if delivery.state == DeliveryState.GIVEN_UP:
        return _("Given up: it failed %(times)s. Nothing more is sent, unless you send it again.") % {"times": tries}
    if delivery.state == DeliveryState.CANCELLED:
        return _("Cancelled: nothing more is sent, unless you send it again.")
    so_far = _("Tried %(times)s so far") % {"times": tries} if delivery.attempts else _("Not tried yet")
    told = {"so_far": so_far, "held": _held_words(delivery, loop, now), "when": when(delivery.next_attempt)}
    if told["held"]:
        return _("%(so_far)s; %(held)s.") % told
    if delivery.next_attempt <= now:
        return _("%(so_far)s; it is due now.") % told
    return _("%(so_far)s; the next attempt is due on %(when)s.") % told


def attempt_words(attempt: Attempt) -> str:
    """How an attempt went, in the words that were recorded."""
    return attempt.message or _("%(outcome)s.") % {"outcome": attempt.get_outcome_display().capitalize()}


def resend_words(resend: Resend) -> str:
    """What was asked to be sent again, and how far that has come."""
    states = get_text_list([DeliveryState(state).label.lower() for state in resend.states], _("or"))
    asked = _("What was %(states)s, of events from %(since)s to %(until)s")
    told = {"asked": asked % {"states": states, "since": when(resend.since), "until": when(resend.until)}}
    told |= {"count": f"{resend.count:,}", "when": when(resend.finished), "expected": f"{resend.expected or 0:,}"}
    if resend.finished:
        return _("%(asked)s: %(count)s, done on %(when)s.") % told
    if resend.expected is None:
        return _("%(asked)s: %(count)s so far.") % told
    return _("%(asked)s: %(count)s of %(expected)s so far.") % told


def notice_words(notice: Notice) -> str:
    """What became of a mail."""
    told = {"subject": notice.subject, "recipients": ", ".join(notice.recipients), "when": when(notice.sent)}
    told |= {"times": times(notice.tries), "error": notice.error}
    if notice.sent:
        return _("%(when)s: %(subject)s; to %(recipients)s.") % told
    if notice.error:
        return _("Not sent yet, tried %(times)s: %(subject)s; to %(recipients)s. %(error)s") % told
    return _("To be sent: %(subject)s; to %(recipients)s.") % told


def url_shown(url: str) -> str:
    """A script's URL without its query, which may hold a password."""
    address, mark, _query = url.partition("?")
    return f"{address}?…" if mark else address
