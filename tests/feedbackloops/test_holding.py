"""Loops that are held keep what they are owed, use up no attempts, and drain within their limits afterwards."""

from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from django.utils.timezone import now

from feedbackloops.models import Delivery, FeedbackLoop, LaneState
from tests.factories import make_message, make_verified_loop, owe
from tests.feedbackloops.keeping import FAILED, OK, Bench
from tracking.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


@pytest.mark.parametrize(
    ("held", "free"),
    [
        ({"status": "paused"}, {"status": "active"}),
        ({"place": "https://moved.example/"}, {"verified_place": "https://moved.example/"}),
    ],
)
def test_a_week_of_being_held_is_no_attempt_and_no_time_of_the_schedule(
    bench: Bench, message: Message, loop: FeedbackLoop, held: dict[str, Any], free: dict[str, Any]
) -> None:
    owe(message)
    bench.answer(bench.turn(loop), FAILED)
    FeedbackLoop.objects.update(**held)
    owe(message)
    Delivery.objects.update(next_attempt=now() - timedelta(days=7), owed=now() - timedelta(days=7))
    assert bench.turn(loop) == []
    assert list(Delivery.objects.order_by("pk").values_list("state", "attempts")) == [("pending", 1), ("pending", 0)]

    FeedbackLoop.objects.update(**free)
    LaneState.objects.get().wake()
    calls = bench.turn(loop)
    assert len(calls) == 2
    bench.answer(calls, FAILED)
    assert list(Delivery.objects.order_by("pk").values_list("state", "attempts")) == [("pending", 2), ("pending", 1)]
    assert Delivery.objects.earliest("pk").next_attempt < now() + timedelta(minutes=1)


def test_a_lane_that_is_resumed_drains_within_its_rate_limit(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    FeedbackLoop.objects.update(status="paused", rate_limit=40, in_flight_limit=1000)
    owe(message, 100)
    assert bench.turn(loop) == []
    FeedbackLoop.objects.update(status="active")
    began = monotonic()
    while monotonic() - began < 0.5:
        bench.turn(loop)
        sleep(0.01)
    assert 10 <= len(bench.calls) <= 40 * (monotonic() - began) + 40 / 10
    bench.answer(bench.calls[:], OK)
