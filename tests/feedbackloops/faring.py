"""Loops that fare in a certain way, and what was counted of them."""

from datetime import timedelta

from django.utils.timezone import now

from feedbackloops.counting import hour_of
from feedbackloops.models import FeedbackLoop, LaneState, LoopHour
from feedbackloops.protocol.latency import BUCKETS
from profiles.models import Account
from tests.factories import make_verified_loop

LATENCY = [0, 0, 0, 100, *[0] * (BUCKETS - 4)]


def failing(account: Account, name: str = "Broken") -> FeedbackLoop:
    loop = make_verified_loop(account, name=name)
    LaneState.objects.filter(loop=loop).update(
        failing_since=now() - timedelta(hours=2), troubles=6, last_trouble="The script answered 500."
    )
    return loop


def count(loop: FeedbackLoop, hours_ago: int = 0, delivered: int = 600, failed: int = 200) -> None:
    hour = hour_of(now()) - timedelta(hours=hours_ago)
    LoopHour.objects.create(loop_id=loop.pk, hour=hour, delivered=delivered, failed=failed, given_up=0, latency=LATENCY)
