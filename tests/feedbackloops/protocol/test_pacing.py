import pytest

from feedbackloops.protocol.outcome import Outcome
from feedbackloops.protocol.pacing import ENGINE_RATE, Bucket, Pace, drain_rate


def fail(pace: Pace, times: int, now: float, outcome: Outcome = Outcome.SERVER_ERROR) -> None:
    for _ in range(times):
        pace.start(1)
        pace.finish(outcome, started=now, now=now)


def test_no_more_calls_are_under_way_than_the_limit_allows() -> None:
    pace = Pace(3)
    pace.start(2)

    assert pace.free(0.0) == 1
    pace.start(1)
    assert pace.free(0.0) == 0
    pace.finish(Outcome.ACCEPTED, started=0.0, now=1.0)
    assert pace.free(1.0) == 1


def test_a_limit_that_was_lowered_below_what_is_under_way_leaves_no_place() -> None:
    pace = Pace(10)
    pace.start(10)
    pace.limit = 2

    assert pace.free(0.0) == 0


@pytest.mark.parametrize("outcome", [Outcome.SERVER_ERROR, Outcome.TIMED_OUT, Outcome.UNREACHABLE])
def test_five_troubles_in_a_row_give_the_script_a_rest(outcome: Outcome) -> None:
    pace = Pace(20, first_rest=10.0)
    fail(pace, 4, 100.0, outcome)
    assert pace.free(100.0) == 20

    fail(pace, 1, 100.0, outcome)

    assert pace.free(109.9) == 0
    assert pace.wakes_at(100.0) == 110.0


def test_after_the_rest_one_call_probes_and_its_failure_doubles_the_next_rest() -> None:
    pace = Pace(20, first_rest=10.0)
    fail(pace, 5, 100.0)
    assert pace.free(110.0) == 1

    fail(pace, 1, 110.0)
    assert pace.resting_until == 130.0
    fail(pace, 1, 130.0)
    assert pace.resting_until == 170.0


def test_a_rest_grows_to_the_longest_and_no_further() -> None:
    pace = Pace(20, first_rest=10.0, longest_rest=300.0, troubles=50)
    pace.start(1)
    pace.finish(Outcome.TIMED_OUT, started=0.0, now=0.0)

    assert pace.resting_until == 300.0


def test_one_answer_without_trouble_ends_the_probing() -> None:
    pace = Pace(20)
    fail(pace, 5, 100.0)
    pace.start(1)
    pace.finish(Outcome.REJECTED, started=200.0, now=200.0)

    assert pace.troubles == 0
    assert pace.free(200.0) == 20


def test_what_was_under_way_when_the_rest_began_does_not_lengthen_it() -> None:
    pace = Pace(20, first_rest=10.0)
    pace.start(3)
    fail(pace, 5, 100.0)

    for _ in range(3):
        pace.finish(Outcome.TIMED_OUT, started=95.0, now=105.0)

    assert pace.troubles == 5
    assert pace.resting_until == 110.0


@pytest.mark.parametrize(("retry_after", "rest"), [(7.0, 7.0), (None, 10.0), (86_400.0, 300.0), (0.0, 0.0)])
def test_a_throttling_script_gets_the_rest_that_it_asks_for(retry_after: float | None, rest: float) -> None:
    pace = Pace(20, first_rest=10.0, longest_rest=300.0)
    pace.start(1)
    pace.finish(Outcome.THROTTLED, started=100.0, now=100.0, retry_after=retry_after)

    assert pace.resting_until == 100.0 + rest
    assert pace.free(100.0 + rest) == 20
    assert pace.troubles == 0


def test_a_rate_limit_lets_calls_go_one_by_one() -> None:
    pace = Pace(20, bucket=Bucket(rate=2.0, filled=0.0))
    assert pace.free(0.0) == 1
    pace.start(1)

    assert pace.free(0.4) == 0
    assert pace.wakes_at(0.4) == pytest.approx(0.5)
    assert pace.free(0.5) == 1


@pytest.mark.parametrize("rate", [1, 5, 50, 400])
def test_over_ten_seconds_no_more_calls_start_than_the_rate_allows(rate: int) -> None:
    pace, started = Pace(10_000, bucket=Bucket(rate=float(rate), filled=0.0)), 0
    for millisecond in range(10_000):
        free = pace.free(millisecond / 1000)
        pace.start(free)
        started += free

    assert rate * 10 * 0.98 <= started <= rate * 10 + max(1, rate / 10)


def test_a_long_silence_saves_up_no_burst() -> None:
    bucket = Bucket(rate=100.0, filled=0.0)

    assert bucket.available(3600.0) == 10


@pytest.mark.parametrize(
    ("rate_limit", "in_flight_limit", "seconds_a_call", "rate"),
    [
        (50, 20, 0.1, 50.0),
        (None, 20, 0.1, 200.0),
        (500, 20, 0.1, 200.0),
        (50, 20, None, 50.0),
        (None, 20, None, None),
        (None, 1, 15.0, 1 / 15),
        (None, 1000, 0.0, ENGINE_RATE),
        (10**9, 20, None, ENGINE_RATE),
    ],
)
def test_a_full_lane_drains_at_its_rate_limit_or_as_fast_as_its_script_answers(
    rate_limit: int | None, in_flight_limit: int, seconds_a_call: float | None, rate: float | None
) -> None:
    assert drain_rate(rate_limit, in_flight_limit, seconds_a_call) == rate
