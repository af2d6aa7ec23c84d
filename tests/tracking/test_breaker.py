import pytest

from tracking.breaker import APART_SECONDS, PROBE_SECONDS, TROUBLES, Breaker, State

START = 1000.0


def opened() -> Breaker:
    breaker = Breaker()
    assert [breaker.failed(START - number) for number in reversed(range(TROUBLES))][-1]
    return breaker


def probing() -> Breaker:
    breaker = opened()
    assert breaker.begins_probe(START + PROBE_SECONDS)
    return breaker


def test_it_opens_with_the_last_of_a_few_troubles_in_a_row() -> None:
    breaker = Breaker()
    assert [breaker.failed(START + number) for number in range(TROUBLES)] == [False] * (TROUBLES - 1) + [True]
    assert breaker.state is State.OPEN


def test_a_hit_that_is_stored_ends_the_row() -> None:
    breaker = Breaker()
    for number in range(20):
        breaker.failed(START + number)
        if number % (TROUBLES - 1):
            breaker.went_well()
    assert breaker.state is State.CLOSED


def test_the_hits_of_one_set_are_one_trouble() -> None:
    breaker = Breaker()
    for number in range(500):
        breaker.failed(START + number * APART_SECONDS / 501)
    assert breaker.state is State.CLOSED


def test_a_busy_process_opens_it_within_a_tenth_of_a_second() -> None:
    breaker = Breaker()
    moments = [START + number / 1000 for number in range(100)]
    assert any(breaker.failed(moment) for moment in moments)


def test_trouble_while_it_is_open_changes_nothing() -> None:
    breaker = opened()
    assert not breaker.failed(START + 5)
    assert breaker.begins_probe(START + PROBE_SECONDS)
    assert not breaker.failed(START + 9)
    assert breaker.state is State.HALF_OPEN


@pytest.mark.parametrize(("after", "begins"), [(0.0, False), (PROBE_SECONDS - 0.01, False), (PROBE_SECONDS, True)])
def test_a_probe_begins_a_second_after_it_opened(after: float, begins: bool) -> None:
    assert opened().begins_probe(START + after) is begins


def test_there_is_one_probe_at_a_time_and_none_while_all_is_well() -> None:
    assert not probing().begins_probe(START + 100)
    assert not Breaker().begins_probe(START)


def test_a_probe_that_fails_opens_it_for_another_second() -> None:
    breaker = probing()
    breaker.probe_failed(START + 30)
    assert breaker.state is State.OPEN
    assert not breaker.begins_probe(START + 30 + PROBE_SECONDS / 2)
    assert breaker.begins_probe(START + 30 + PROBE_SECONDS)


def test_a_probe_that_goes_through_closes_it_and_the_row_begins_anew() -> None:
    breaker = probing()
    breaker.probe_succeeded()
    assert breaker.state is State.CLOSED
    assert not breaker.failed(START + 50)
