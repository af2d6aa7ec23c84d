"""What comes of calls, and what an engine learns of a lane, is written down."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils.timezone import now

from feedbackloops import lanes
from feedbackloops.lanes import LaneNote
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState
from tests.factories import make_verified_loop, owe
from tests.feedbackloops.claiming import THEM, US, claim, done
from tracking.models import Message

# Every statement reads the clock of its transaction, so these tests let them commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def note(loop: FeedbackLoop, number: int, **values: object) -> LaneNote:
    defaults = {"troubles": 0, "rests": 0.0, "succeeded": False, "failing": False, "trouble": "", "stop_reason": ""}
    return LaneNote(loop.pk, number, **defaults | values)  # type: ignore[arg-type]


def test_a_success_is_recorded_with_its_attempt(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)

    lanes.record([done(claimed)])

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome, delivery.attempts) == ("delivered", "accepted", 1)
    attempt = Attempt.objects.get()
    assert (attempt.delivery_id, attempt.number, attempt.status) == (claimed.id, 1, 200)
    assert (attempt.total, bytes(attempt.answer)) == (0.01, b"ok \xff")
    assert claim(loop) == []


def test_a_failure_is_due_again_after_its_pause(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)

    lanes.record([done(claimed, "pending", pause=30)])

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome, delivery.attempts) == ("pending", "server error", 1)
    assert timedelta(seconds=20) < delivery.next_attempt - now() < timedelta(seconds=31)
    assert claim(loop) == []


def test_a_success_that_is_told_late_counts_whoever_tried_meanwhile(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)
    lanes.record([done(claimed, "pending", pause=30)])

    lanes.record([done(claimed)])

    assert Delivery.objects.get().state == "delivered"


def test_a_failure_that_is_told_late_changes_nothing(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)
    lanes.record([done(claimed, "pending", number=1, pause=30)])

    lanes.record([done(claimed, "given_up", number=1)])

    assert (Delivery.objects.get().state, Delivery.objects.get().attempts) == ("pending", 1)


def test_a_delivery_that_is_no_longer_pending_stays_as_it_is(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)
    Delivery.objects.update(state="given_up")

    lanes.record([done(claimed)])

    assert Delivery.objects.get().state == "given_up"
    assert Attempt.objects.count() == 1


def test_what_was_learnt_of_a_lane_is_noted(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)

    lanes.note(US, [note(loop, lease.number, troubles=5, rests=10.0, trouble="It failed.")])

    lane = LaneState.objects.get()
    assert (lane.troubles, lane.last_trouble, lane.stopped) == (5, "It failed.", None)
    assert lane.cooling_until
    assert timedelta(seconds=9) < lane.cooling_until - now() < timedelta(seconds=11)


def test_a_new_lease_knows_of_troubles_and_rest(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)
    lanes.note(US, [note(loop, lease.number, troubles=6, rests=20.0)])
    lanes.release(US, [(loop.pk, lease.number)])

    [again] = lanes.lease(THEM, [loop.pk], 45)

    assert again.troubles == 6
    assert 19 < again.rests <= 20


def test_a_resting_lane_is_not_due(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    LaneState.objects.update(cooling_until=now() + timedelta(minutes=1))
    assert lanes.due() == []

    LaneState.objects.update(cooling_until=now() - timedelta(seconds=1))
    assert lanes.due() == [loop.pk]


def test_a_leased_lane_is_not_due(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    lanes.lease(US, [loop.pk], 45)

    assert lanes.due() == []


def test_a_lane_that_is_stopped_stays_so_when_success_is_noted_later(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)
    lanes.note(US, [note(loop, lease.number, stop_reason="gone", trouble="Gone.")])
    lanes.note(US, [note(loop, lease.number, succeeded=True)])

    lane = LaneState.objects.get()
    assert lane.stopped
    assert lane.stop_reason == "gone"
    assert lane.last_success


@pytest.mark.parametrize(("engine", "number"), [(THEM, 1), (US, 2)])
def test_an_engine_that_lost_the_lane_notes_nothing(loop: FeedbackLoop, engine: UUID, number: int) -> None:
    lanes.lease(US, [loop.pk], 45)

    lanes.note(engine, [note(loop, number, troubles=9)])

    assert LaneState.objects.get().troubles == 0
