from datetime import UTC, date, datetime, timedelta

import pytest

from feedbackloops.protocol.balance import Hits, Line, count_again, hits_problem, hits_remark, line_problem

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("owed", "there", "missing"),
    [(10, (4, 3, 2, 1), 0), (10, (4, 3, 2, 0), 1), (9, (4, 3, 2, 1), -1), (0, (0,) * 4, 0)],
)
def test_a_line_balances_when_all_that_was_owed_is_there(
    owed: int, there: tuple[int, int, int, int], missing: int
) -> None:
    assert Line(DAY, 1, 1, owed, *there).missing == missing


@pytest.mark.parametrize(
    ("accepted", "spooled", "events", "missing"), [(5, 2, 3, 0), (5, 1, 3, 1), (5, 0, 9, 0), (0, 0, 3, 0)]
)
def test_hits_are_missing_that_are_neither_event_nor_spooled_and_more_events_are_no_fault(
    accepted: int, spooled: int, events: int, missing: int
) -> None:
    assert Hits(DAY, accepted, 0, spooled, events).missing == missing


def test_what_is_wrong_is_told_in_words_with_where_to_look() -> None:
    assert line_problem(0) == hits_problem(0) == hits_remark(0) == ""
    assert line_problem(1).startswith("1 delivery is missing: rows were deleted")
    assert line_problem(1200).startswith("1,200 deliveries are missing")
    assert "feedbackloops_owedcount" in line_problem(-2)
    assert line_problem(-2).startswith("2 deliveries more than were owed")
    assert "spool folder of every web host" in hits_problem(3)
    assert hits_remark(1).startswith("1 hit was lost")


@pytest.mark.parametrize(
    ("age", "since_counted", "is_open", "due"),
    [
        (timedelta(hours=12), timedelta(seconds=1), False, True),
        (timedelta(days=2), timedelta(hours=1), False, False),
        (timedelta(days=2), timedelta(hours=2), False, True),
        (timedelta(days=7), timedelta(hours=11), True, False),
        (timedelta(days=7), timedelta(hours=12), False, True),
        (timedelta(days=8), timedelta(days=3), False, False),
        (timedelta(days=61), timedelta(days=5), True, True),
        (timedelta(days=61), timedelta(days=4), True, False),
    ],
)
def test_the_older_a_day_the_rarer_it_is_counted_and_a_closed_one_no_more(
    age: timedelta, since_counted: timedelta, is_open: bool, due: bool
) -> None:
    now = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + age
    assert count_again(DAY, now=now, counted=now - since_counted, is_open=is_open) is due


def test_a_day_that_was_never_counted_is_due() -> None:
    assert count_again(DAY - timedelta(days=300), now=NOON, counted=None, is_open=False)
