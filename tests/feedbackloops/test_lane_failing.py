"""Since when a lane fails: kept by the engine that holds it, across leases, until a call succeeds."""

from datetime import datetime

import pytest

from feedbackloops import keeper
from feedbackloops.models import FeedbackLoop, LaneState
from feedbackloops.outbound.calls import Answer
from feedbackloops.protocol.outcome import ErrorKind
from tests.factories import make_message, make_verified_loop, owe
from tests.feedbackloops.keeping import FAILED, GONE, OK, Bench
from tracking.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def since() -> datetime | None:
    return LaneState.objects.get().failing_since


def tried(bench: Bench, message: Message, loop: FeedbackLoop, *answers: Answer) -> None:
    for answer in answers:
        owe(message)
        LaneState.objects.get().wake()
        bench.answer(bench.turn(loop)[-1:], answer)


@pytest.mark.parametrize("answer", [FAILED, GONE, Answer(status=404), Answer(error=ErrorKind.BLOCKED)])
def test_the_first_failure_begins_it_and_later_ones_leave_it(
    bench: Bench,
    message: Message,
    loop: FeedbackLoop,
    answer: Answer,
) -> None:
    tried(bench, message, loop, answer)
    first = since()
    assert first
    tried(bench, message, loop, FAILED, FAILED)
    assert since() == first


def test_a_success_ends_it(bench: Bench, message: Message, loop: FeedbackLoop) -> None:
    tried(bench, message, loop, FAILED)
    LaneState.objects.update(failing_for=100.0, told="failing")
    tried(bench, message, loop, OK)
    lane = LaneState.objects.get()
    assert (lane.failing_since, lane.failing_for, lane.told) == (None, 0.0, "")


def test_a_failure_right_after_a_success_is_no_beginning(
    bench: Bench,
    message: Message,
    loop: FeedbackLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "LINGER_SECONDS", 3.0)
    tried(bench, message, loop, OK, Answer(status=404))
    assert since() is None


def test_another_engine_goes_on_from_what_the_last_one_knew(
    bench: Bench,
    message: Message,
    loop: FeedbackLoop,
) -> None:
    tried(bench, message, loop, FAILED)
    first = since()
    bench.close()
    heir = Bench()
    tried(heir, message, loop, Answer(status=404))
    assert since() == first
    tried(heir, message, loop, OK)
    heir.close()
    assert since() is None


def test_resuming_under_way_starts_afresh_with_the_next_failure(
    bench: Bench,
    message: Message,
    loop: FeedbackLoop,
) -> None:
    tried(bench, message, loop, Answer(status=404))
    first = since()
    loop.lane.start_afresh()
    loop.save(update_fields=["status"])
    owe(message)
    calls = bench.turn(loop)
    assert since() is None
    bench.answer(calls, Answer(status=404))
    second = since()
    assert first
    assert second
    assert second > first


def test_a_lane_that_was_resumed_and_tried_nothing_since_is_not_failing(
    bench: Bench, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LINGER_SECONDS", 3.0)
    tried(bench, message, loop, Answer(status=404))
    loop.lane.start_afresh()
    loop.save(update_fields=["status"])
    owe(message)
    calls = bench.turn(loop)
    bench.keeper.close([(call, Answer(started=False)) for call in calls])
    assert LaneState.objects.get().engine is None
    assert since() is None
