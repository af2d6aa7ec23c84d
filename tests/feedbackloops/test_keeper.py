"""The keeper's turns, one by one: calls are collected instead of made, and answered by the test."""

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import keeper, lanes
from feedbackloops.fanout import fan_out
from feedbackloops.keeper import Keeper
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState, ScriptVersion
from feedbackloops.outbound.calls import Answer, Call
from feedbackloops.protocol import signing
from feedbackloops.protocol.outcome import ErrorKind
from tests.factories import make_message, make_profile, make_verified_loop, owe
from tracking.models import Event, Message
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db(transaction=True)

OK, FAILED, GONE = Answer(status=200), Answer(status=500), Answer(status=410)


class Bench:
    """A keeper with the calls that it wants to make."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.woken = threading.Event()
        self.keeper = Keeper(self.calls.extend, self.woken.set)

    def turn(self, *loops: FeedbackLoop) -> list[Call]:
        """Do a turn; the calls that it makes."""
        before = len(self.calls)
        self.keeper.turn([loop.pk for loop in loops], [])
        return self.calls[before:]

    def answer(self, calls: list[Call], answer: Answer) -> list[Call]:
        """Answer these calls and have it recorded; the calls that are made next."""
        before = len(self.calls)
        self.keeper.turn([], [(call, answer) for call in calls])
        self.settle()
        return self.calls[before:]

    def settle(self) -> None:
        """Go on until there is nothing to do at once."""
        for _ in range(20):
            if self.keeper.pause() > 0.1 and not len(self.keeper._recording):
                return
            self.woken.wait(self.keeper.pause())
            self.woken.clear()
            self.keeper.turn([], [])

    def close(self) -> None:
        """Let it record what it has, and give back its lanes."""
        while not self.keeper.close([]) and len(self.keeper._recording):
            self.woken.wait(0.05)
        self.keeper._recording.end()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(keeper, "LINGER_SECONDS", 0.0)
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def message() -> Message:
    return make_message(make_profile(firstname="Ann"))


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account, in_flight_limit=10)


def lose_the_database(*arguments: object) -> None:
    raise OperationalError("the connection is lost")


def states() -> dict[str, int]:
    counted: dict[str, int] = {}
    for state in Delivery.objects.values_list("state", flat=True):
        counted[state] = counted.get(state, 0) + 1
    return counted


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


def test_a_failure_is_tried_again_by_itself_after_a_short_pause(
    bench: Bench, message: Message, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.RETRY_SCHEDULE = (0.05, 0.05)
    owe(message)
    calls = bench.turn(loop)

    [again] = bench.answer(calls, FAILED)

    assert dict(again.headers)["webhook-attempt"] == "2"
    assert dict(again.headers)["webhook-id"] == dict(calls[0].headers)["webhook-id"]


def test_a_delivery_is_given_up_at_the_end_of_the_schedule(
    bench: Bench, message: Message, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.RETRY_SCHEDULE = (0.02, 0.02)
    owe(message)
    calls = bench.turn(loop)
    while calls:
        calls = bench.answer(calls, Answer(status=404))

    assert states() == {"given_up": 1}
    assert sorted(Attempt.objects.values_list("number", "outcome")) == [(n, "rejected") for n in (1, 2, 3)]


def test_a_delivery_sent_again_has_the_whole_schedule_before_it(
    bench: Bench, message: Message, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.RETRY_SCHEDULE = (600.0,)
    owe(message)
    Delivery.objects.update(attempts=2, attempts_before=2)

    [call] = bench.turn(loop)
    bench.answer([call], FAILED)

    assert dict(call.headers)["webhook-attempt"] == "3"
    assert states() == {"pending": 1}


def test_five_failures_in_a_row_give_the_lane_a_rest_in_which_nothing_is_burnt(
    bench: Bench, message: Message, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.COOL_DOWN_SECONDS = 60.0
    FeedbackLoop.objects.update(in_flight_limit=5)
    owe(message, 20)

    assert bench.answer(bench.turn(loop), FAILED) == []

    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0] * 15 + [1] * 5
    lane = LaneState.objects.get()
    assert (lane.troubles, lane.engine) == (5, None)
    assert lane.cooling_until
    assert 50 < (lane.cooling_until - now()).total_seconds() < 61
    assert "500" in lane.last_trouble
    assert bench.turn(loop) == []


def test_after_its_rest_a_lane_is_probed_with_another_delivery(
    bench: Bench, message: Message, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.COOL_DOWN_SECONDS = 0.6
    FeedbackLoop.objects.update(in_flight_limit=5)
    owe(message, 20)
    first = bench.turn(loop)
    bench.answer(first, FAILED)
    sleep(0.65)

    [probe] = bench.turn(loop)
    assert probe.tag.claimed.id not in {call.tag.claimed.id for call in first}

    assert len(bench.answer([probe], OK)) == 5


def test_a_410_stops_the_lane_and_gives_up_that_delivery_only(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    FeedbackLoop.objects.update(in_flight_limit=1)
    owe(message, 3)

    assert bench.answer(bench.turn(loop), GONE) == []

    assert states() == {"given_up": 1, "pending": 2}
    lane = LaneState.objects.get()
    assert lane.stopped
    assert (lane.stop_reason, lane.engine) == ("gone", None)
    assert bench.turn(loop) == []


def test_a_429_rests_the_lane_for_as_long_as_it_says(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(in_flight_limit=1)
    owe(message, 2)

    assert bench.answer(bench.turn(loop), Answer(status=429, retry_after="100")) == []

    [tried] = Delivery.objects.filter(attempts=1)
    assert (tried.next_attempt - now()).total_seconds() > 90
    cooling = LaneState.objects.get().cooling_until
    assert cooling
    assert 90 < (cooling - now()).total_seconds() < 101


def test_a_rate_limit_spreads_the_calls(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(rate_limit=10)
    owe(message, 5)

    assert len(bench.turn(loop)) == 1
    assert bench.turn() == []
    sleep(bench.keeper.pause() + 0.01)
    assert len(bench.turn()) == 1


def test_a_lane_is_not_given_back_before_its_rate_lets_it_look_whether_it_is_empty(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    FeedbackLoop.objects.update(rate_limit=1)
    owe(message)
    bench.answer(bench.turn(loop), OK)
    owe(message)

    assert LaneState.objects.get().engine is not None
    assert bench.turn(loop) == []


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


@pytest.mark.parametrize("unsayable", [1.5, 10**30, 10**400], ids=["1.5", "10**30", "10**400"])
def test_an_event_that_no_form_can_say_is_given_up_with_the_reason_and_holds_up_nobody(
    bench: Bench, message: Message, loop: FeedbackLoop, unsayable: float
) -> None:
    owe(message, ip=unsayable)
    owe(message)

    calls = bench.turn(loop)
    bench.answer(calls, OK)

    assert len(calls) == 1
    assert states() == {"given_up": 1, "delivered": 1}
    assert "'ip' holds a float" in Attempt.objects.get(outcome="rejected").message


def test_a_delivery_whose_event_is_no_longer_kept_is_cancelled(
    bench: Bench, message: Message, loop: FeedbackLoop
) -> None:
    [event] = owe(message)
    Event.objects.filter(pk=event).delete()

    assert bench.turn(loop) == []
    bench.settle()

    assert states() == {"cancelled": 1}


def test_an_answer_that_never_came_has_its_cause_recorded(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    bench.answer(bench.turn(loop), Answer(error=ErrorKind.REFUSED, error_message="connection refused"))

    assert Attempt.objects.get().outcome == "unreachable"
    assert Delivery.objects.get().outcome == "unreachable"


def test_what_was_claimed_when_the_database_went_away_is_claimed_again(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(message, 3)
    with monkeypatch.context() as fault:
        fault.setattr(lanes, "events", lose_the_database)
        with pytest.raises(OperationalError):
            bench.turn(loop)

    assert len(bench.turn(loop)) == 3


def test_a_lane_whose_secret_can_not_be_read_is_given_back_and_holds_up_nobody(
    bench: Bench, message: Message, loop: FeedbackLoop, caplog: pytest.LogCaptureFixture
) -> None:
    broken = make_verified_loop(message.account)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE feedbackloops_feedbackloop SET secret = 'torn' WHERE id = %s", [broken.pk])
    owe(message)

    [call] = bench.turn(broken, loop)

    assert call.loop == loop.pk
    assert f"loop {broken.pk}: A stored secret can't be read with ENCRYPTION_KEYS" in caplog.text
    assert broken.lane.engine is None


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


def test_an_answer_that_can_not_be_stored_holds_up_no_other(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    owe(message, 3)
    [first, *others] = bench.turn(loop)

    bench.answer(others, OK)
    bench.answer([first], Answer(status=200, address="not an address, and far too long for the column of addresses"))

    assert states() == {"delivered": 3}
    assert Attempt.objects.filter(address="").count() == 3


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


def test_a_profile_event_carries_what_it_holds_itself(bench: Bench) -> None:
    profile = make_profile(firstname="Ann")
    loop = make_verified_loop(profile.account, event_types=["update"], body_format="json")
    row = EventRow(Event().id, "update", profile.account_id, None, {"profile": profile.pk, "parameters": {"a": "b"}})
    store_events([row])
    fan_out([row.id])
    [call] = bench.turn(loop)

    assert b'"parameters":{"a":"b"}' in (call.body or b"")


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


def test_a_retry_is_made_when_it_is_due_however_long_the_recording_took(
    bench: Bench, message: Message, loop: FeedbackLoop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RETRY_SCHEDULE = (0.2, 0.2)
    owe(message)
    calls, record = bench.turn(loop), lanes.record

    def record_slowly(done: Sequence[lanes.Done]) -> None:
        sleep(0.1)
        record(done)

    monkeypatch.setattr(lanes, "record", record_slowly)
    bench.keeper.turn([], [(call, FAILED) for call in calls])
    deadline = monotonic() + 1.5
    while len(bench.calls) == 1 and monotonic() < deadline:
        sleep(min(bench.keeper.pause(), 0.05))
        bench.turn()

    assert len(bench.calls) == 2


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


def test_lanes_in_trouble_never_crowd_out_the_others(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "TROUBLED_AT_ONCE", 2)
    troubled = [make_verified_loop(message.account) for _ in range(5)]
    LaneState.objects.filter(loop__in=troubled).update(troubles=5)
    owe(message)

    first = bench.turn(loop, *troubled)
    later = [call for _ in range(10) for call in bench.turn()]

    assert len(first) == 3
    assert not next(call for call in first if call.loop == loop.pk).can_wait
    assert {call.loop for call in [*first, *later]} == {loop.pk, *(each.pk for each in troubled)}
    assert all(call.can_wait for call in later)


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
