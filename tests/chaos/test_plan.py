from itertools import islice

import pytest

from chaos.faults import FAULTS
from chaos.plan import FULL, QUICK, Candidate, Length, at_random

CANDIDATES = [Candidate(fault.name, fault.touches) for fault in FAULTS if fault.by_chance]


def test_the_same_seed_gives_the_same_faults() -> None:
    one, same, other = (list(islice(at_random(CANDIDATES, QUICK, seed), 50)) for seed in (1, 1, 2))

    assert one == same
    assert one != other


def test_faults_that_strike_together_touch_different_parts() -> None:
    touches = {each.name: each.touches for each in CANDIDATES}
    strikes = list(islice(at_random(CANDIDATES, FULL, 3), 500))

    pairs = [strike.names for strike in strikes if len(strike.names) == 2]
    assert len(pairs) > 50
    assert not any(touches[one] & touches[two] for one, two in pairs)
    assert {name for strike in strikes for name in strike.names} == set(touches)
    assert all(FULL.moment <= strike.hold <= 2 * FULL.while_ for strike in strikes)


def test_there_must_be_something_to_draw_from() -> None:
    with pytest.raises(ValueError, match="no fault to draw from"):
        next(at_random([], QUICK, 1))


@pytest.mark.parametrize("timing", [FULL, QUICK])
def test_the_long_faults_outlast_a_lease(timing: object) -> None:
    assert isinstance(timing, type(FULL))
    assert timing.of(Length.MOMENT) < timing.of(Length.WHILE) < timing.lease < timing.of(Length.LONG)


def test_the_faults_have_names_of_their_own_that_a_shell_takes_as_one_word() -> None:
    names = [fault.name for fault in FAULTS]

    assert len(set(names)) == len(names)
    assert not any(set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)


def test_only_what_ends_or_delays_a_call_may_double_it() -> None:
    assert {fault.name for fault in FAULTS if fault.may_duplicate} == {
        "kill-worker",
        "kill-everything",
        "freeze-worker",
        "kill-postgres",
        "clock-jumps",
    }


def test_only_a_full_disk_and_a_script_that_is_gone_may_cost_an_event() -> None:
    assert {fault.name for fault in FAULTS if fault.may_lose} == {"disk-full", "script-answers-410"}
