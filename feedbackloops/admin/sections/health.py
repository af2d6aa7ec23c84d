"""How a loop stands, why, and what can be done about it."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from feedbackloops import resending
from feedbackloops.acts import ACTS, Act
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.counting import Counts, last_hours, total
from feedbackloops.durations import latency_words, success_words
from feedbackloops.models import FeedbackLoop, LaneState, LoopStatus
from feedbackloops.protocol.pacing import TROUBLES_TO_REST, drain_rate
from feedbackloops.recent import seconds_a_call, standing
from feedbackloops.words import Kind, Standing, failing_words, hold_of, is_resting, is_stopped, lane_of, waiting_words

# What the first button of a loop in this state should be.
MAIN = {"try_now", "resume"}


@dataclass(frozen=True, slots=True)
class Health:
    """How a loop stands. `buttons`: what whoever looks may do about it, by the name of the act."""

    title: str
    advice: str
    standing: Standing
    lane: LaneState
    waiting: str
    failing: str
    rate: str
    latency: str
    buttons: dict[str, Act]

    @property
    def icon(self) -> str:
        """The name of the symbol that stands for it."""
        return {Kind.OK: "check_circle", Kind.WAITING: "pause_circle", Kind.TROUBLE: "error"}[self.standing.kind]

    @property
    def main(self) -> str:
        """The button that helps most; empty where nothing has to be done."""
        return next((name for name in self.buttons if name in MAIN), "")


def health(visit: Visit) -> Health:
    """How the loop stands at this moment."""
    loop, now, lane = visit.loop, visit.now, lane_of(visit.loop)
    stands = standing(loop, now)
    day = total(visit.counts.get(hour, Counts()) for hour in last_hours(now))
    title, advice = _told(loop, lane, stands, now)
    return Health(
        title=title,
        advice=advice,
        standing=stands,
        lane=lane,
        waiting=backlog_words(visit),
        failing=failing_words(lane, settings.FAILING_STOP_SECONDS),
        rate=success_words(day.delivered, day.failed),
        latency=latency_words(day.latency),
        buttons={name: ACTS[name] for name in _buttons(loop, now)} if visit.may_change else {},
    )


def backlog_words(visit: Visit) -> str:
    """How many deliveries wait, and how long it takes to send them."""
    loop = visit.loop
    rate = drain_rate(loop.rate_limit, loop.in_flight_limit, seconds_a_call(loop))
    most = resending.MOST_COUNTED if visit.waiting is None else visit.waiting
    return waiting_words(most, rate, is_more=visit.waiting is None, is_held=bool(hold_of(loop, visit.now)))


def _told(loop: FeedbackLoop, lane: LaneState, stands: Standing, now: datetime) -> tuple[str, str]:
    """The state in a few words, and what to do about it."""
    if loop.status == LoopStatus.PAUSED:
        return _("Paused"), ""
    if loop.status == LoopStatus.DISABLED:
        return _("Disabled"), _("Press Resume to have events kept and sent again.")
    if is_stopped(loop):
        return _("Stopped by itself"), _("Ask the customer whether the script is still wanted, and where it is now.")
    if not loop.is_verified:
        return _("Not verified"), _("Have the verification file placed at the script’s address, then press Check now.")
    if stands.kind == Kind.OK:
        return _("Sending"), ""
    mend = _("Tell the customer’s developer what the script answers; each failed delivery below has the whole answer.")
    if is_resting(lane, now):
        return _("Resting"), mend + " " + _("Once the script works, press Try now rather than wait.")
    return _("Failing"), mend


def _buttons(loop: FeedbackLoop, now: datetime) -> list[str]:
    # What looks for the file stands among the steps.
    test = ["call_test"] if loop.is_verified else []
    if loop.status != LoopStatus.ACTIVE:
        return [*test, "resume"]
    if is_stopped(loop):
        return [*test, "pause", "resume"]
    lane = lane_of(loop)
    spared = is_resting(lane, now) or lane.troubles >= TROUBLES_TO_REST
    return [*test, "pause", *(["try_now"] if spared else [])]
