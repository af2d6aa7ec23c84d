"""What becomes of a lane in trouble: retries, rests, limits and stops, turn by turn."""

from collections.abc import Sequence
from time import monotonic, sleep

import pytest
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import keeper, lanes
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState
from feedbackloops.outbound.calls import Answer
from feedbackloops.protocol.outcome import ErrorKind
from tests.factories import make_verified_loop, owe
from tests.feedbackloops.keeping import FAILED, GONE, OK, Bench, states
from tracking.models import Event, Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account, in_flight_limit=10)


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


def test_lanes_in_trouble_never_crowd_out_the_others(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "TROUBLED_AT_ONCE", 2)
    troubled = [make_verified_loop(message.account) for _ in range(5)]
    LaneState.objects.filter(loop__in=troubled).update(troubles=5)
    owe(message)

    first = bench.turn(loop, *troubled)
    # Which of them are looked into is up to chance.
    later = [call for _ in range(100) for call in bench.turn()]

    assert len(first) == 3
    assert not next(call for call in first if call.loop == loop.pk).can_wait
    assert {call.loop for call in [*first, *later]} == {loop.pk, *(each.pk for each in troubled)}
    assert all(call.can_wait for call in later)
