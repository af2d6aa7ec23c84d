"""What a keeper does when an answer of PostgreSQL's, or a notice, was lost on its way."""

from collections.abc import Iterator
from time import sleep
from typing import Any

import pytest
from django.db import OperationalError
from django.utils.timezone import now

from feedbackloops import keeper, lanes
from feedbackloops.models import FeedbackLoop, LaneState
from tests.factories import make_verified_loop, owe
from tests.feedbackloops.keeping import OK, Bench, lose_the_database, states
from tracking.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account, in_flight_limit=10)


def lose_the_answer(patch: pytest.MonkeyPatch, name: str) -> None:
    """Let a statement be carried out, and the connection be lost before its answer."""
    statement = getattr(lanes, name)

    def run(*arguments: Any, **named: Any) -> None:
        statement(*arguments, **named)
        lose_the_database()

    patch.setattr(lanes, name, run)


def test_a_notice_that_was_lost_while_calls_are_under_way_is_made_up_for(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LOOK_THROUGH_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "LEFT_ALONE_SECONDS", 0.2)
    owe(message)
    assert len(bench.turn(loop)) == 1
    bench.turn()

    owe(message)
    assert bench.turn() == []
    sleep(0.2)
    bench.turn()
    assert bench.keeper.pause() == 0
    assert len(bench.turn()) == 1


def test_a_lane_whose_places_are_all_taken_is_not_looked_into_again_and_again(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LOOK_THROUGH_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "LEFT_ALONE_SECONDS", 0.0)
    FeedbackLoop.objects.update(in_flight_limit=1)
    owe(message)
    bench.turn(loop)

    bench.turn()

    assert bench.keeper.pause() > 0.1


def test_a_lane_that_may_have_been_given_back_is_not_sent_before_that_is_known(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LINGER_SECONDS", 0.0)
    owe(message)
    calls = bench.turn(loop)
    with monkeypatch.context() as fault:
        lose_the_answer(fault, "release")
        with pytest.raises(OperationalError):
            bench.answer(calls, OK)
    other = Bench()
    owe(message)
    assert len(other.turn(loop)) == 1

    assert bench.turn(loop) == []


def test_a_lane_that_was_leased_without_our_hearing_of_it_is_ours_at_once(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message)
    with monkeypatch.context() as fault:
        lose_the_answer(fault, "lease")
        with pytest.raises(OperationalError):
            bench.turn(loop)
    assert LaneState.objects.get().engine == bench.keeper.engine

    assert len(bench.turn()) == 1


def test_rings_outlive_a_lease_that_failed(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message)
    with monkeypatch.context() as fault:
        fault.setattr(lanes, "lease", lose_the_database)
        with pytest.raises(OperationalError):
            bench.turn(loop)

    assert len(bench.turn()) == 1


def test_an_heir_sends_nothing_before_it_has_recorded_what_it_inherited(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message)
    calls = bench.turn(loop)
    heir = Bench()
    with monkeypatch.context() as fault:
        fault.setattr(lanes, "record", lose_the_database)
        with pytest.raises(OperationalError):
            bench.answer(calls, OK)
        # PostgreSQL was away for longer than the lease lasted.
        LaneState.objects.update(leased_until=now())
        heir.keeper.inherit(bench.keeper)
        assert heir.turn(loop) == []

    owe(message)
    heir.turn()
    heir.settle()
    assert states() == {"delivered": 1, "pending": 1}
    assert [call.tag.claimed.event for call in heir.calls] != [calls[0].tag.claimed.event]
    assert len(heir.calls) == 1


def test_a_lane_that_was_barred_while_calls_are_under_way_is_read_again_when_it_is_rung(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message)
    calls = bench.turn(loop)
    FeedbackLoop.objects.update(status="paused")
    [lane] = bench.keeper._lanes.values()
    lane.bar()

    assert bench.turn(loop) == []
    assert bench.keeper.pause() > 0.1

    FeedbackLoop.objects.update(status="active")
    owe(message)
    assert len(bench.turn(loop)) == 1
    assert calls[0].tag.lane is lane
