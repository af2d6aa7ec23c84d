"""When to try again, to rest and to look."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol import retry

DAY = 86_400


def test_the_schedule_is_that_of_the_contract() -> None:
    assert retry.parse_schedule("5,30,2m,10m,30m,1h,2h,4h,8h,12h,24h,24h") == retry.SCHEDULE


def test_thirteen_attempts_are_made_over_a_little_more_than_three_days() -> None:
    pauses = [retry.next_pause(made, jitter=0) for made in range(1, 14)]
    assert pauses[:-1] == list(retry.SCHEDULE)
    assert pauses[-1] is None
    assert 3 * DAY < sum(retry.SCHEDULE) < 3.5 * DAY


@pytest.mark.parametrize(("jitter", "pause"), [(-1, 25.5), (0, 30), (1, 34.5)])
def test_jitter_moves_a_pause_by_fifteen_percent(jitter: float, pause: float) -> None:
    assert retry.next_pause(2, jitter=jitter) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("retry_after", "pause"), [(None, 30), (0, 30), (29, 30), (31, 31), (DAY, DAY), (DAY + 1, DAY), (1e300, DAY)]
)
def test_a_retry_after_is_waited_for_up_to_a_day(retry_after: float | None, pause: float) -> None:
    assert retry.next_pause(2, jitter=0, retry_after=retry_after) == pause


def test_a_retry_after_grants_no_further_attempt() -> None:
    assert retry.next_pause(13, jitter=0, retry_after=60) is None


@given(
    made=st.integers(1, 12),
    jitter=st.floats(-1, 1),
    retry_after=st.none() | st.floats(0, 1e9),
)
def test_every_pause_is_near_its_schedule_and_not_below_retry_after(
    made: int, jitter: float, retry_after: float | None
) -> None:
    pause = retry.next_pause(made, jitter=jitter, retry_after=retry_after)
    assert pause is not None
    planned = retry.SCHEDULE[made - 1]
    assert pause >= max(planned * 0.8499, min(retry_after or 0, DAY))
    assert pause <= max(planned * 1.1501, min(retry_after or 0, DAY))


@pytest.mark.parametrize(("made", "jitter"), [(0, 0.0), (-1, 0.0), (1, 1.01), (1, -1.01), (1, float("nan"))])
def test_a_count_or_jitter_out_of_range_is_refused(made: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="at least one attempt"):
        retry.next_pause(made, jitter=jitter)


@pytest.mark.parametrize(
    ("text", "schedule"),
    [("5", (5,)), (" 0.5, 2s ,1M,1h", (0.5, 2, 60, 3600)), ("1d,30 d", (DAY, 30 * DAY))],
)
def test_a_schedule_is_read_from_a_setting(text: str, schedule: tuple[float, ...]) -> None:
    assert retry.parse_schedule(text) == schedule


def test_a_shorter_schedule_makes_fewer_attempts() -> None:
    schedule = retry.parse_schedule("0.1,0.2")
    assert [retry.next_pause(made, jitter=0, schedule=schedule) for made in (1, 2, 3)] == [0.1, 0.2, None]


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_schedule_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="for example 5,30,2m,1h"):
        retry.parse_schedule(text)


@pytest.mark.parametrize(
    "part", ["", "0", "0.0s", "-5", "5w", "1e3", "x", "31d", "999999999", "٣", "nan", "inf", "5\n5"]
)
def test_a_pause_that_makes_no_sense_is_refused_by_name(part: str) -> None:
    with pytest.raises(ValueError, match="is not a pause: give a number above 0") as refused:
        retry.parse_schedule(f"5,{part},10")
    assert repr(part) in str(refused.value)


@given(st.text() | st.text(alphabet="0123456789.,smhd "))
def test_any_text_is_a_schedule_of_positive_pauses_or_refused(text: str) -> None:
    schedule: tuple[float, ...] = ()
    with contextlib.suppress(ValueError):
        schedule = retry.parse_schedule(text)
    assert all(0 < pause <= 30 * DAY for pause in schedule)


def test_a_cool_down_doubles_from_ten_seconds_to_five_minutes() -> None:
    assert [retry.cool_down(step) for step in (0, 1, 2, 3, 4, 5, 6, 10_000)] == [10, 20, 40, 80, 160, 300, 300, 300]


def test_a_cool_down_follows_its_settings() -> None:
    assert [retry.cool_down(step, first=0.1, longest=0.3) for step in range(3)] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("age", "pause"),
    [(-1, 5), (0, 5), (20, 5), (40, 10), (3600, 900), (DAY - 1, 900), (DAY, None), (DAY * 9, None)],
)
def test_the_pause_between_looks_grows_over_a_day(age: float, pause: float | None) -> None:
    assert retry.look_pause(age) == pause


def test_a_file_is_looked_for_more_than_fifty_and_fewer_than_two_hundred_times() -> None:
    looks, age = 0, 0.0
    while (pause := retry.look_pause(age)) is not None:
        looks, age = looks + 1, age + pause
    assert 50 < looks < 200
