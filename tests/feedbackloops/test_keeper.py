"""The keeper's turns, one by one: calls are collected instead of made, and answered by the test."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from feedbackloops import keeper, lanes
from feedbackloops.fanout import fan_out
from feedbackloops.models import Attempt, FeedbackLoop, LaneState, ScriptVersion
from feedbackloops.outbound.calls import Answer
from feedbackloops.protocol import signing
from tests.factories import make_profile, make_verified_loop, owe
from tests.feedbackloops.keeping import OK, Bench, states
from tracking.models import Event, Message
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account, in_flight_limit=10)


def test_what_is_due_is_called_and_recorded_and_the_lane_given_back(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message)

    [call] = bench.turn(loop)
    assert call.url == loop.url
    assert b"fields%5Bfirstname%5D=Ann" in (call.body or b"")

    bench.answer([call], OK)
    assert states() == {"delivered": 1}
    lane = LaneState.objects.get()
    assert (lane.engine, lane.leased_until) == (None, None)
    assert lane.last_success


def test_an_attempt_can_be_made_again_from_what_is_kept_of_it(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message)
    [call] = bench.turn(loop)
    failed = Answer(status=500, head='HTTP/1.1 500 Oh\nServer: "old"', body=b"no")
    bench.answer([call], failed)

    attempt = Attempt.objects.get()
    assert (attempt.head, attempt.version_id) == (failed.head, ScriptVersion.objects.get().pk)
    sent = dict(call.headers)
    assert sent["X-Nonce"] == signing.nonce_for(signing.decode_secret(loop.secret), attempt.id.bytes)
    assert sent["webhook-timestamp"] == str(int(attempt.started.timestamp()))


def test_nothing_is_called_twice_while_it_is_under_way(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message, 3)
    assert len(bench.turn(loop)) == 3

    assert bench.turn(loop) == []
    assert bench.turn(loop) == []


def test_what_was_answered_but_not_recorded_yet_is_not_called_again(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message, 3)
    calls = bench.turn(loop)

    bench.keeper.turn([loop.pk], [(call, OK) for call in calls])
    bench.settle()

    assert len(bench.calls) == 3
    assert states() == {"delivered": 3}


def test_no_more_is_under_way_than_the_limit_allows(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message, 25)

    first = bench.turn(loop)
    assert len(first) == 10
    assert bench.turn() == []

    assert len(bench.answer(first[:4], OK)) == 4


def test_a_backlog_is_worked_off_to_its_end(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message, 57)
    calls = bench.turn(loop)
    while calls:
        calls = bench.answer(calls, OK)

    assert len({call.tag.claimed.id for call in bench.calls}) == len(bench.calls) == 57
    assert states() == {"delivered": 57}


def test_a_lane_that_another_engine_holds_is_left_alone(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    assert Bench().turn(loop)

    assert bench.turn(loop) == []


def test_what_is_owed_while_the_lane_is_held_is_called_in_the_same_lease(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message)
    calls = bench.turn(loop)
    owe(message)

    # Nobody rings: only the release finds it.
    assert len(bench.answer(calls, OK)) == 1


@pytest.mark.parametrize("barred", [{"status": "paused"}, {"verified_place": ""}])
def test_a_lane_that_may_not_be_sent_is_given_back_untouched(
    bench: Bench, message: Message, loop: FeedbackLoop, barred: dict[str, Any]
) -> None:
    owe(message)
    FeedbackLoop.objects.update(**barred)

    assert bench.turn(loop) == []
    assert states() == {"pending": 1}
    assert LaneState.objects.get().engine is None


def test_a_loop_that_is_paused_in_the_middle_gets_no_further_call(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    owe(message, 20)
    calls = bench.turn(loop)
    FeedbackLoop.objects.update(status="paused")

    assert bench.answer(calls, OK) == []
    assert states() == {"delivered": 10, "pending": 10}


def test_the_url_is_reread_before_each_claim(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message, 11)
    calls = bench.turn(loop)
    loop.url = "https://example.com/hooks/other.php"
    loop.save(update_fields=["url"])

    [next_call] = bench.answer(calls, OK)

    assert next_call.url == "https://example.com/hooks/other.php"


def test_an_answer_that_can_not_be_stored_holds_up_no_other(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message, 3)
    [first, *others] = bench.turn(loop)

    bench.answer(others, OK)
    bench.answer([first], Answer(status=200, address="not an address, and far too long for the column of addresses"))

    assert states() == {"delivered": 3}
    assert Attempt.objects.filter(address="").count() == 3


def test_a_profile_event_carries_what_it_holds_itself(bench: Bench) -> None:
    profile = make_profile(firstname="Ann")
    loop = make_verified_loop(profile.account, event_types=["update"], body_format="json")
    row = EventRow(Event().id, "update", profile.account_id, None, {"profile": profile.pk, "parameters": {"a": "b"}})
    store_events([row])
    fan_out([row.id])
    [call] = bench.turn(loop)

    assert b'"parameters":{"a":"b"}' in (call.body or b"")


def test_with_too_many_attempts_unrecorded_no_more_calls_are_made(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MOST_UNRECORDED", 1)
    FeedbackLoop.objects.update(in_flight_limit=1)
    owe(message, 2)
    go, record = threading.Event(), lanes.record

    def record_later(done: Sequence[lanes.Done]) -> None:
        assert go.wait(5)
        record(done)

    monkeypatch.setattr(lanes, "record", record_later)
    [call] = bench.turn(loop)
    bench.keeper.turn([], [(call, OK)])
    assert bench.turn() == []
    assert len(bench.calls) == 1
    assert bench.keeper.pause() > 0.1

    go.set()
    bench.settle()
    assert len(bench.calls) == 2
