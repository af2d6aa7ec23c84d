"""How loops and deliveries stand, in sentences for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Prefetch
from django.utils.formats import number_format

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
from feedbackloops.protocol.latency import BOUNDS, percentile
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.protocol.pacing import TROUBLES_TO_REST
from profiles.showing import NOTHING, when

# A unit and its seconds, the next smaller one and its, and the seconds from which on another unit suits better.
_UNITS = (("min", 60, "s", 1, 3600), ("h", 3600, "min", 60, 86_400), ("d", 86_400, "h", 3600, 30 * 86_400))

_HELD = {
    LoopStatus.PAUSED: "Paused: events are kept, and sent once you press Resume.",
    LoopStatus.DISABLED: "Disabled: no new events are kept for it, and nothing is sent.",
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
        return "Verified"
    return "Has to be verified again" if loop.verified_place else "Not verified yet"


def standing_of(loop: FeedbackLoop, recent: Sequence[Attempt], now: datetime) -> Standing:
    """What becomes of the loop's events at this moment, and why. `recent`: its last attempts, the newest first."""
    if held := _HELD.get(LoopStatus(loop.status)):
        return Standing(Kind.WAITING, held)
    lane = lane_of(loop)
    if is_stopped(loop):
        return Standing(Kind.TROUBLE, _stop_words(lane))
    if not loop.is_verified:
        return Standing(Kind.WAITING, _unverified_words(loop))
    if trouble := _pace_words(lane, now) or _failure_words(lane, recent):
        return Standing(Kind.TROUBLE, trouble)
    return Standing(Kind.OK, "Sending normally.")


def failing_words(lane: LaneState, most: float) -> str:
    """For how long no call has succeeded, and what comes of it after `most` seconds of trying; empty where one has."""
    if lane.failing_since is None or lane.stopped:
        return ""
    told = " Contact and staff were told." if lane.told else ""
    left = about(max(0.0, most - lane.failing_for))
    return f"Since {when(lane.failing_since)}. It is stopped after another {left} of trying.{told}"


def _stop_words(lane: LaneState) -> str:
    return (
        f"Stopped by itself on {when(lane.stopped)}: {_stop_reason(lane)}. Events from now on are not kept; "
        "what waits is held. Press Resume once the script wants events again."
    )


def _stop_reason(lane: LaneState) -> str:
    if lane.stop_reason == StopReason.FAILING and lane.failing_since:
        return f"no call has succeeded in {about(lane.failing_for)} of trying"
    return StopReason(lane.stop_reason).label if lane.stop_reason in StopReason.values else "no reason was noted"


def _unverified_words(loop: FeedbackLoop) -> str:
    if loop.verified_place:
        return "Waiting: the URL leads to another place now. Events are kept until the file was seen there."
    return "Waiting: nothing is kept or sent before the verification file was seen."


def _pace_words(lane: LaneState, now: datetime) -> str:
    because = f" because of this: {lane.last_trouble}" if lane.last_trouble else "."
    if is_resting(lane, now):
        return f"Resting until {when(lane.cooling_until)}{because}"
    if lane.troubles >= TROUBLES_TO_REST:
        return f"Trying one delivery at a time{because}"
    return ""


def _failure_words(lane: LaneState, recent: Sequence[Attempt]) -> str:
    if not recent or any(attempt.outcome == Outcome.ACCEPTED for attempt in recent):
        return ""
    # Attempts are ordered by their events' time: one of an older event may have gone well since.
    if lane.last_success and lane.last_success > min(attempt.started for attempt in recent):
        return ""
    calls = "last call" if len(recent) == 1 else f"last {len(recent)} calls"
    refused = {attempt.outcome for attempt in recent} <= {Outcome.REJECTED, Outcome.GONE}
    if refused and len({attempt.status for attempt in recent}) == 1:
        return f"Failing: the script refused the {calls} (status {recent[0].status})."
    return f"Failing: the {calls} did not succeed. {attempt_words(recent[0])}"


def hold_of(loop: FeedbackLoop, now: datetime) -> str:
    """What holds back all that is owed to the loop, such as "the loop is paused"; empty where nothing does."""
    if loop.status != LoopStatus.ACTIVE:
        return f"the loop is {loop.status}"
    if is_stopped(loop):
        return "the loop has stopped by itself"
    if not loop.is_verified:
        return "the loop is not verified"
    lane = lane_of(loop)
    return f"the loop rests until {when(lane.cooling_until)}" if is_resting(lane, now) else ""


def waiting_words(waiting: int, rate: float | None, *, is_more: bool, is_held: bool) -> str:
    """How many deliveries wait, and how long it takes to send them at `rate` calls a second (None: not known).

    `is_more`: there are more than that.
    """
    number = f"more than {waiting:,}" if is_more else f"{waiting:,}"
    if rate is None or not waiting:
        return number
    shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
    took = f"{'more than' if is_more else 'about'} {about(max(1.0, waiting / rate))}"
    return f"{number}; {'once it sends again, ' if is_held else ''}at {shown} a second, {took}"


def due_words(delivery: Delivery, loop: FeedbackLoop | None, now: datetime) -> str:
    """When the next attempt of a delivery is due, or what holds it back."""
    if delivery.state != DeliveryState.PENDING:
        return NOTHING
    if held := _held_words(delivery, loop, now):
        return held
    return "due now" if delivery.next_attempt <= now else when(delivery.next_attempt)


def _held_words(delivery: Delivery, loop: FeedbackLoop | None, now: datetime) -> str:
    # A rest that is over by then holds nothing back.
    hold = hold_of(loop, max(now, delivery.next_attempt)) if loop else ""
    return f"held: {hold}" if hold else ""


def delivery_words(delivery: Delivery, loop: FeedbackLoop | None, now: datetime) -> str:
    """Where a delivery stands."""
    tries = _times(delivery.attempts)
    if delivery.state == DeliveryState.DELIVERED:
        return f"Delivered: the script accepted it, tried {tries}."
    if delivery.state == DeliveryState.GIVEN_UP:
        return f"Given up: it failed {tries}. Nothing more is sent, unless you send it again."
    if delivery.state == DeliveryState.CANCELLED:
        return "Cancelled: nothing more is sent, unless you send it again."
    so_far = f"Tried {tries} so far" if delivery.attempts else "Not tried yet"
    if held := _held_words(delivery, loop, now):
        return f"{so_far}; {held}."
    if delivery.next_attempt <= now:
        return f"{so_far}; it is due now."
    return f"{so_far}; the next attempt is due on {when(delivery.next_attempt)}."


def attempt_words(attempt: Attempt) -> str:
    """How an attempt went, in the words that were recorded."""
    return attempt.message or attempt.get_outcome_display().capitalize() + "."


def resend_words(resend: Resend) -> str:
    """What was asked to be sent again, and how far that has come."""
    labels = " or ".join(DeliveryState(state).label.lower() for state in resend.states)
    asked = f"What was {labels}, of events from {when(resend.since)} to {when(resend.until)}"
    if resend.finished:
        return f"{asked}: {resend.count:,}, done on {when(resend.finished)}."
    most = "" if resend.expected is None else f" of {resend.expected:,}"
    return f"{asked}: {resend.count:,}{most} so far."


def notice_words(notice: Notice) -> str:
    """What became of a mail."""
    mail = f"{notice.subject}; to {', '.join(notice.recipients)}"
    if notice.sent:
        return f"{when(notice.sent)}: {mail}."
    if notice.error:
        return f"Not sent yet, tried {_times(notice.tries)}: {mail}. {notice.error}"
    return f"To be sent: {mail}."


def seconds(value: float) -> str:
    """A duration, to the millisecond."""
    return f"{value:.3f} s" if value else NOTHING


def short_time(value: float) -> str:
    """A duration of a call or a pause, in the unit that suits it: "3 ms", "1.25 s", "2 min 5 s", "1 h 4 min"."""
    if value < 1:
        return f"{value * 1000:.0f} ms" if value >= 0.001 else f"{value * 1000:.1f} ms"
    if value < 60:
        return f"{value:.2f}".rstrip("0").rstrip(".") + " s"
    for unit, length, smaller, part, most in _UNITS:
        if (whole := round(value)) < most:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return about(value)


def success_words(delivered: int, failed: int) -> str:
    """The share of the calls that succeeded."""
    if not delivered + failed:
        return NOTHING
    share = 100 * delivered / (delivered + failed)
    # What is not all is not called so.
    shown = min(share, 99.9) if failed else 100
    return f"{number_format(shown, decimal_pos=1 if failed else 0)} %"


def latency_words(latency: Sequence[int]) -> str:
    """How long it took from events to their receipt, for counts in the buckets of protocol.latency."""
    half, most = percentile(latency, 0.5), percentile(latency, 0.95)
    if half is None or most is None:
        return NOTHING
    return f"half {_within(half)}, 95 % {_within(most)}"


def _within(seconds: float) -> str:
    if seconds > BOUNDS[-1]:
        return "in more than an hour"
    if seconds >= 60:
        return f"within {seconds / 60:.0f} min"
    return f"within {seconds:.1f} s" if seconds >= 1 else f"within {max(seconds * 1000, 1):.0f} ms"


def url_shown(url: str) -> str:
    """A script's URL without its query, which may hold a password."""
    address, mark, _ = url.partition("?")
    return f"{address}?…" if mark else address


def about(seconds: float) -> str:
    """A duration in the unit that suits it, such as "25 s" or "3 days"."""
    for unit, length, most in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 36)):
        if (number := round(seconds / length)) < most:
            return f"{number} {unit}"
    return f"{round(seconds / 86_400):,} days"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
