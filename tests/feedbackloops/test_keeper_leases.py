"""How a keeper comes by lanes, keeps them, loses them and gives them back."""

from datetime import timedelta
from time import sleep
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import keeper, lanes
from feedbackloops.models import Attempt, FeedbackLoop, LaneState
from feedbackloops.outbound.calls import Answer, Call
from tests.factories import make_verified_loop, owe
from tests.feedbackloops.keeping import FAILED, GONE, OK, Bench, lose_the_database, states
from tracking.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account, in_flight_limit=10)


def test_a_call_that_the_fence_held_is_no_attempt_and_is_made_later(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message)
    calls = bench.turn(loop)

    [again] = bench.answer(calls, Answer(started=False))

    assert dict(again.headers)["webhook-attempt"] == "1"
    assert not Attempt.objects.exists()


def test_the_fence_closes_when_the_lease_was_not_renewed_for_long(
    message: Message, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.LEASE_SECONDS = 0.9  # no call later than 0.2 s after the last renewal
    bench = Bench()
    owe(message)
    [call] = bench.turn(loop)
    assert call.may_start
    assert call.may_start()

    sleep(0.21)
    assert not call.may_start()

    bench.turn()
    assert call.may_start()


def test_an_engine_that_slept_through_its_lease_lets_go_and_its_success_still_counts(
    message: Message, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.LEASE_SECONDS = 0.9
    sleeper, other = Bench(), Bench()
    owe(message, 2)
    asleep = sleeper.turn(loop)
    LaneState.objects.update(leased_until=now())

    awake = other.turn(loop)
    other.answer(awake[:1], FAILED)
    sleep(0.2)
    sleeper.answer(asleep, OK)

    assert not any(call.may_start and call.may_start() for call in asleep)
    assert states() == {"delivered": 2}
    assert LaneState.objects.get().lease_number == 2


def test_what_was_claimed_when_the_database_went_away_is_claimed_again(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message, 3)
    with monkeypatch.context() as fault:
        fault.setattr(lanes, "events", lose_the_database)
        with pytest.raises(OperationalError):
            bench.turn(loop)

    assert len(bench.turn(loop)) == 3


def test_what_was_learnt_is_noted_later_when_the_database_was_away(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message, 2)
    [first, second] = bench.turn(loop)
    with monkeypatch.context() as fault:
        fault.setattr(lanes, "note", lose_the_database)
        with pytest.raises(OperationalError):
            bench.answer([first], GONE)

    bench.answer([second], GONE)

    assert LaneState.objects.get().stop_reason == "gone"


def test_closing_gives_the_lanes_back_once_their_calls_have_ended(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message)
    [call] = bench.turn(loop)
    assert not bench.keeper.close([])
    assert call.may_start
    assert not call.may_start()

    bench.keeper.close([(call, OK)])
    bench.close()
    assert states() == {"delivered": 1}
    assert LaneState.objects.get().engine is None


@pytest.mark.parametrize(("answer", "learnt"), [(GONE, "stopped"), (FAILED, "cooling_until")])
def test_what_was_learnt_of_a_lane_is_noted_before_it_is_given_back(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch, answer: Answer, learnt: str
) -> None:
    owe(message, 10)
    calls = bench.turn(loop)
    with monkeypatch.context() as fault:
        fault.setattr(lanes, "note", lose_the_database)
        with pytest.raises(OperationalError):
            bench.answer(calls, answer)

    bench.turn()

    lane = LaneState.objects.get()
    assert getattr(lane, learnt) is not None
    assert lane.engine is None


def test_a_lane_that_was_lost_without_a_word_is_let_go_and_nothing_is_sent(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message, 2)
    FeedbackLoop.objects.update(in_flight_limit=1)
    [call] = bench.turn(loop)
    LaneState.objects.update(engine=uuid4(), lease_number=99, leased_until=now() + timedelta(minutes=5))
    FeedbackLoop.objects.update(status="paused")
    bench.answer([call], OK)
    FeedbackLoop.objects.update(status="active")

    for _ in range(5):
        bench.turn()

    assert len(bench.calls) == 1
    assert bench.keeper.pause() > 0.1


def test_a_loop_that_is_deleted_under_way_is_let_go(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [call] = bench.turn(loop)
    loop.delete()

    bench.answer([call], OK)

    assert bench.keeper.pause() > 0.1
    assert states() == {"delivered": 1}


def resumed_after_a_410(bench: Bench, message: Message, loop: FeedbackLoop) -> list[Call]:
    """A lane that stopped and was resumed while calls were under way; these calls."""
    owe(message, 30)
    gone, *under_way = bench.turn(loop)
    bench.answer([gone], GONE)
    assert LaneState.objects.get().stopped
    loop.lane.refresh_from_db()
    loop.lane.wake()
    bench.turn(loop)
    return under_way


@pytest.mark.parametrize("answer", [OK, Answer(status=404)])
def test_a_lane_that_was_resumed_while_calls_were_under_way_sends_again(
    bench: Bench, message: Message, loop: FeedbackLoop, answer: Answer
) -> None:
    under_way = resumed_after_a_410(bench, message, loop)

    bench.answer(under_way, answer)
    bench.turn(loop)

    assert LaneState.objects.get().stopped is None
    assert len(bench.calls) > 10


def test_what_a_former_keeper_could_not_record_is_recorded_by_its_heir(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message)
    calls = bench.turn(loop)
    with monkeypatch.context() as fault:
        fault.setattr(lanes, "record", lose_the_database)
        with pytest.raises(OperationalError):
            bench.answer(calls, OK)
    heir = Bench()

    heir.keeper.inherit(bench.keeper)
    heir.turn()
    heir.settle()

    assert states() == {"delivered": 1}


def test_a_lane_is_kept_for_a_while_after_its_last_call(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LINGER_SECONDS", 60.0)
    owe(message)
    bench.answer(bench.turn(loop), OK)
    assert LaneState.objects.get().engine == bench.keeper.engine

    owe(message)
    bench.keeper.hear([loop.pk])
    bench.answer(bench.turn(), OK)
    assert states() == {"delivered": 2}
    assert LaneState.objects.get().lease_number == 1

    monkeypatch.setattr(keeper, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "LOOK_THROUGH_SECONDS", 0.0)
    bench.turn()
    assert LaneState.objects.get().engine is None


def test_a_kept_lane_finds_what_nobody_told_it_of_before_it_is_given_back(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LINGER_SECONDS", 0.3)
    owe(message)
    bench.answer(bench.turn(loop), OK)

    owe(message)
    assert bench.turn() == []
    sleep(0.3)
    bench.turn()
    bench.settle()

    assert len(bench.calls) == 2


def test_a_ring_for_a_lane_that_another_engine_holds_is_passed_on(
    bench: Bench, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[set[int]] = []
    lanes.lease(uuid4(), [loop.pk], 45)
    monkeypatch.setattr(lanes, "tell", told.append)

    bench.turn(loop)

    assert told == [{loop.pk}]
