"""How a loop stands, why, and what can be done about it."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from feedbackloops import resending
from feedbackloops.admin.acts import ACTS, Act
from feedbackloops.admin.recent import seconds_a_call, standing
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, LaneState, LoopStatus
from feedbackloops.protocol.pacing import TROUBLES_TO_REST, drain_rate
from feedbackloops.words import Standing, failing_words, hold_of, is_resting, is_stopped, lane_of, waiting_words


@dataclass(frozen=True, slots=True)
class Health:
    """How a loop stands. `buttons`: what whoever looks may do about it, by the name of the act."""

    standing: Standing
    lane: LaneState
    waiting: str
    failing: str
    buttons: dict[str, Act]


def health(visit: Visit) -> Health:
    """How the loop stands at this moment."""
    loop, now = visit.loop, visit.now
    return Health(
        standing=standing(loop, now),
        lane=lane_of(loop),
        waiting=_waiting(loop, now),
        failing=failing_words(lane_of(loop), settings.FAILING_STOP_SECONDS),
        buttons={name: ACTS[name] for name in _buttons(loop, now)} if visit.may_change else {},
    )


def _waiting(loop: FeedbackLoop, now: datetime) -> str:
    number = resending.count(Delivery.objects.filter(loop=loop, state=DeliveryState.PENDING))
    rate = drain_rate(loop.rate_limit, loop.in_flight_limit, seconds_a_call(loop))
    most = resending.MOST_COUNTED if number is None else number
    return waiting_words(most, rate, is_more=number is None, is_held=bool(hold_of(loop, now)))


def _buttons(loop: FeedbackLoop, now: datetime) -> list[str]:
    verification = "call_test" if loop.is_verified else "check_now"
    if loop.status != LoopStatus.ACTIVE:
        return [verification, "resume"]
    if is_stopped(loop):
        return [verification, "pause", "resume"]
    lane = lane_of(loop)
    spared = is_resting(lane, now) or lane.troubles >= TROUBLES_TO_REST
    return [verification, "pause", *(["try_now"] if spared else [])]
