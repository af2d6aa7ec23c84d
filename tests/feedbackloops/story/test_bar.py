import pytest

from feedbackloops.durations import short_time
from feedbackloops.models import Attempt
from feedbackloops.story.bar import bar_of


def attempt(status: int = 200, **times: float) -> Attempt:
    return Attempt(status=status, **times)


def test_a_bar_has_each_step_that_took_time_side_by_side() -> None:
    parts = bar_of(attempt(dns=0.01, connect=0.02, tls=0.03, first_byte=0.1, total=0.2))
    assert [(part.kind, part.took) for part in parts] == [
        ("dns", "10 ms"),
        ("connect", "20 ms"),
        ("tls", "30 ms"),
        ("wait", "100 ms"),
        ("read", "40 ms"),
    ]
    assert [part.at for part in parts] == [sum(each.width for each in parts[:n]) for n in range(5)]
    assert 990 <= sum(part.width for part in parts) <= 1010


def test_the_shortest_step_is_to_be_seen() -> None:
    parts = bar_of(attempt(dns=0.0001, first_byte=15.0, total=15.0))
    assert [part.kind for part in parts] == ["dns", "wait"]
    assert parts[0].width >= 6


@pytest.mark.parametrize(
    ("times", "label"),
    [({"connect": 0.1, "total": 15.0}, "Wait in vain"), ({"dns": 0.1, "total": 5.0}, "No connection")],
)
def test_time_without_an_answer_is_called_so(times: dict[str, float], label: str) -> None:
    assert bar_of(attempt(0, **times))[-1].label == label


def test_what_took_no_time_has_no_bar() -> None:
    assert bar_of(attempt(0)) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0.4 ms"),
        (0.012, "12 ms"),
        (1.25, "1.25 s"),
        (59, "59 s"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3599.7, "1 h"),
        (90_000, "1 d 1 h"),
        (86_399.9, "1 d"),
    ],
)
def test_durations_are_written_in_the_unit_that_suits_them(seconds: float, words: str) -> None:
    assert short_time(seconds) == words
