from dataclasses import replace

import pytest

from chaos.ledgers import Duplicate, Findings, Hit, Loss, Missing
from chaos.load import Probe
from chaos.verdicts import Account, Window, settle_accounts

STRUCK = 3
CALM = Window(("calm",), 0.0, 0.0)
KILL = Window(("kill-worker",), 10.0, 12.0, may_duplicate=True)
AFTER = Window(("flush-valkey",), 20.0, 21.0, takes_servers=True)


def hit(sent: float, seconds: float | None = 0.005, number: int = 0) -> Hit:
    return Hit(number, 7, sent, None if seconds is None else sent + seconds)


def settled(
    *hits: Hit, windows: tuple[Window, ...] = (CALM, KILL, AFTER), probes: tuple[Probe, ...] = (), **found: object
) -> list[Account]:
    return settle_accounts(windows, hits, probes, Findings(**found))  # type: ignore[arg-type]


def problems(accounts: list[Account]) -> list[str]:
    return [problem for account in accounts for problem in account.problems()]


def test_a_hit_belongs_to_the_last_strike_that_had_begun() -> None:
    accounts = settled(hit(-1.0), hit(9.9), hit(10.0), hit(19.9), hit(20.0), hit(99.0, 0.04))

    assert [account.events for account in accounts] == [2, 2, 2]
    assert accounts[2].slowest == pytest.approx(0.04)
    assert problems(accounts) == []


def test_delays_belong_to_the_strike_of_their_hit() -> None:
    accounts = settled(delays=[(hit(11.0), 1.5), (hit(11.0), 9.0), (hit(25.0), 2.0)])

    assert [account.delay for account in accounts] == [0.0, 9.0, 2.0]


def test_a_loss_breaks_a_promise() -> None:
    accounts = settled(losses=[Loss(hit(11.0), STRUCK, Missing.DELIVERY)])

    assert problems(accounts) == ["kill-worker: lost: recorded, but owed to no one"]


@pytest.mark.parametrize(("loop", "excused"), [(STRUCK, True), (STRUCK + 1, False)])
def test_what_a_fault_may_lose_it_may_lose_for_the_struck_loop_only(loop: int, excused: bool) -> None:
    gone = replace(KILL, may_lose=frozenset({Missing.GIVEN_UP}), struck=frozenset({STRUCK}))
    (account,) = settled(windows=(gone,), losses=[Loss(hit(11.0), loop, Missing.GIVEN_UP, 11.1)])

    assert (len(account.excused), len(account.lost)) == ((1, 0) if excused else (0, 1))


@pytest.mark.parametrize(
    ("loss", "excused"),
    [
        (Loss(hit(9.0), STRUCK, Missing.DELIVERY), True),
        (Loss(hit(12.5), STRUCK, Missing.DELIVERY), True),
        (Loss(hit(-20.0), STRUCK, Missing.DELIVERY), False),
        (Loss(hit(14.0), STRUCK, Missing.DELIVERY), False),
        (Loss(hit(-50.0), STRUCK, Missing.GIVEN_UP, 10.1), True),
        (Loss(hit(9.9), STRUCK, Missing.GIVEN_UP, 9.95), False),
        (Loss(hit(11.0), STRUCK, Missing.GIVEN_UP, 14.0), False),
        (Loss(hit(11.0), STRUCK, Missing.GIVEN_UP), False),
    ],
)
def test_what_is_given_up_has_to_have_been_refused_while_the_fault_lasted_and_what_is_not_owed_to_have_come_then(
    loss: Loss, excused: bool
) -> None:
    may_lose = frozenset({Missing.GIVEN_UP, Missing.DELIVERY})
    calm, account = settled(windows=(CALM, replace(KILL, may_lose=may_lose, struck=frozenset({STRUCK}))), losses=[loss])

    assert len(account.excused) == excused
    assert len(calm.lost) + len(account.lost) == (not excused)


@pytest.mark.parametrize(("alarms", "broken"), [(2, []), (1, ["disk-full: 1 hits were lost without an alarm."])])
def test_a_hit_may_be_lost_only_with_an_alarm(alarms: int, broken: list[str]) -> None:
    full = Window(("disk-full",), 10.0, 12.0, may_lose=frozenset({Missing.EVENT}), alarms=alarms)
    losses = [Loss(hit(11.0), None, Missing.EVENT), Loss(hit(11.5), None, Missing.EVENT)]

    assert problems(settled(windows=(full,), losses=losses)) == broken


@pytest.mark.parametrize(
    ("first", "second", "explained"),
    [
        (9.9, 13.0, True),
        (11.0, 30.0, True),
        (12.5, 14.0, True),
        (5.0, 11.0, False),
        (9.5, 9.8, False),
        (14.0, 15.0, False),
        (20.5, 21.0, False),
    ],
)
def test_a_duplicate_needs_a_strike_between_its_two_calls_that_hid_the_first(
    first: float, second: float, explained: bool
) -> None:
    accounts = settled(duplicates=[Duplicate(hit(4.0), 1, first, second)])

    if explained:
        assert accounts[1].duplicates == 1
        assert problems(accounts) == []
    else:
        assert problems(accounts) == ["calm: 1 duplicates have no crash, freeze or jump to explain them."]


@pytest.mark.parametrize(("slowest", "explained"), [(0.01, False), (0.3, True)])
def test_where_the_machine_was_late_before_a_strike_so_may_recording_have_been(slowest: float, explained: bool) -> None:
    accounts = settled(probes=(Probe(9.0, slowest),), duplicates=[Duplicate(hit(8.0), 1, 8.5, 13.0)])

    assert (problems(accounts) == []) is explained


def test_a_hit_without_an_answer_needs_a_web_process_that_was_away() -> None:
    frozen = Window(("freeze-web",), 10.0, 12.0, takes_web=True)
    accounts = settled(hit(9.0, None), hit(11.0, None), hit(13.0, None), windows=(CALM, frozen))

    assert [account.unanswered for account in accounts] == [1, 2]
    assert problems(accounts) == ["freeze-web: 1 hits got no answer, although the web process was up."]


def test_answers_are_held_to_50_ms_while_servers_are_away_and_to_what_the_machine_takes_twice() -> None:
    slow = [hit(20.2, 0.12), hit(20.4, 0.1), hit(25.0, 0.5), hit(11.0, 0.5)]
    accounts = settled(*slow, probes=(Probe(20.1, 0.03), Probe(20.3, 0.01)))

    assert accounts[2].reference == pytest.approx(0.03)
    assert problems(accounts) == ["flush-valkey: 1 answers took more than 50 ms, the machine's part left out."]


def test_counts_that_do_not_balance_break_a_promise() -> None:
    wrong = replace(CALM, imbalances=("Loop 1 was owed 3 deliveries as fan-out counted them, and has 2.",))

    assert problems(settled(windows=(wrong,))) == [
        "calm: Loop 1 was owed 3 deliveries as fan-out counted them, and has 2."
    ]
