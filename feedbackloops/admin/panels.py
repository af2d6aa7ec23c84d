"""What a loop's page shows besides the form."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings

from feedbackloops import resending
from feedbackloops.admin.recent import seconds_a_call, standing
from feedbackloops.counting import Counts, counts_of, hour_of, total
from feedbackloops.models import (
    Attempt,
    Delivery,
    DeliveryState,
    FeedbackLoop,
    LaneState,
    LoopStatus,
    Notice,
    Resend,
    VerificationLook,
)
from feedbackloops.protocol import challenge
from feedbackloops.protocol.pacing import TROUBLES_TO_REST, drain_rate
from feedbackloops.protocol.signing import dkim_record
from feedbackloops.words import (
    Standing,
    failing_words,
    hold_of,
    is_resting,
    is_stopped,
    lane_of,
    latency_words,
    verified_words,
    waiting_words,
)
from profiles.showing import when

LOOKS_SHOWN = 4
RESENDS_SHOWN = 3
NOTICES_SHOWN = 4
HOUR = timedelta(hours=1)
HOURS_SHOWN = 24


@dataclass(frozen=True, slots=True)
class LastDay:
    """What was counted for a loop in this hour and the 23 before."""

    since: datetime
    counts: Counts

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The lines to show: what was counted, how many."""
        counts = self.counts
        numbers = {"Owed": counts.owed, "Delivered": counts.delivered}
        numbers |= {"Failed attempts": counts.failed, "Given up": counts.given_up}
        lines = [(name, f"{number:,}") for name, number in numbers.items()]
        return [*lines, ("From event to receipt", latency_words(counts.latency)), ("Counted since", when(self.since))]


@dataclass(frozen=True, slots=True)
class LoopPanel:
    """How a loop stands."""

    verified: str
    standing: Standing
    lane: LaneState
    waiting: str
    failing: str
    last_day: LastDay
    resends: list[Resend]
    notices: list[Notice]
    locations: list[str]
    looks: list[VerificationLook]
    test_call: Attempt | None
    buttons: list[str]


def panel_of(loop: FeedbackLoop, now: datetime) -> LoopPanel:
    """How the loop stands at this moment."""
    return LoopPanel(
        verified=verified_words(loop),
        standing=standing(loop, now),
        lane=lane_of(loop),
        waiting=_waiting(loop, now),
        failing=failing_words(lane_of(loop), settings.FAILING_STOP_SECONDS),
        last_day=last_day_of(loop, now),
        resends=list(loop.resends.all()[:RESENDS_SHOWN]),
        notices=list(loop.notices.all()[:NOTICES_SHOWN]),
        locations=challenge.locations(loop.url, loop.verification_file),
        looks=list(loop.looks.all()[:LOOKS_SHOWN]),
        test_call=Attempt.objects.filter(loop=loop, delivery=None).order_by("-id").first(),
        buttons=_buttons(loop, now),
    )


def _waiting(loop: FeedbackLoop, now: datetime) -> str:
    number = resending.count(Delivery.objects.filter(loop=loop, state=DeliveryState.PENDING))
    rate = drain_rate(loop.rate_limit, loop.in_flight_limit, seconds_a_call(loop))
    most = resending.MOST_COUNTED if number is None else number
    return waiting_words(most, rate, is_more=number is None, is_held=bool(hold_of(loop, now)))


def last_day_of(loop: FeedbackLoop, now: datetime) -> LastDay:
    """What was counted for the loop in the last 24 hours of the clock, the one that has begun among them."""
    end = hour_of(now) + HOUR
    since = end - HOURS_SHOWN * HOUR
    return LastDay(since, total(counts_of([loop.pk], since, end)[loop.pk].values()))


# Loading a key takes tens of milliseconds, and a page asks for what it shows several times.
@lru_cache(maxsize=64)
def public_record(private_key: str) -> str:
    """The TXT record with the public key that belongs to a private key; empty where there is none."""
    return dkim_record(private_key) if private_key else ""


def _buttons(loop: FeedbackLoop, now: datetime) -> list[str]:
    verification = "call_test" if loop.is_verified else "check_now"
    if loop.status != LoopStatus.ACTIVE:
        return [verification, "resume"]
    if is_stopped(loop):
        return [verification, "pause", "resume"]
    lane = lane_of(loop)
    spared = is_resting(lane, now) or lane.troubles >= TROUBLES_TO_REST
    return [verification, "pause", *(["try_now"] if spared else [])]
