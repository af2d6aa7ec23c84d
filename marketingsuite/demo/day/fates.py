"""How the deliveries of the demo's loops fare: which attempts are made of each, and how each ends. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from feedbackloops.protocol.outcome import ErrorKind, Judgement, Outcome, Reply, judge
from feedbackloops.protocol.retry import next_pause

Schedule = tuple[float, ...]

FATAL: Final = (
    b"<br />\n<b>Fatal error</b>:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in "
    b"/var/www/crm/hook.php:23\n"
)
FATAL_HEAD: Final = "HTTP/1.1 500 Internal Server Error\r\nServer: nginx\r\nContent-Type: text/html; charset=utf-8"
ADDRESS: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt: when it began, how long the connection and all of it took (seconds), and what came back."""

    started: datetime
    judgement: Judgement
    status: int
    connect: float
    total: float
    answer: bytes = b"ok\n"
    head: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """All attempts of a delivery. `due`: when the next one is, where there is to be one."""

    tries: tuple[Try, ...] = ()
    due: datetime | None = None

    @property
    def state(self) -> str:
        """What has become of the delivery."""
        if self.due or not self.tries:
            return "pending"
        return "delivered" if self.tries[-1].judgement.outcome is Outcome.ACCEPTED else "given_up"


def healthy(at: datetime, chance: Random, schedule: Schedule) -> Fate:
    """Answers at once; one call in two hundred finds the script restarting."""
    first = at + timedelta(seconds=chance.lognormvariate(-4.3, 0.3))
    if chance.random() < 0.005:
        again = _after(first, 1, chance, schedule)
        return Fate((_failed(first, 502, b"Bad Gateway\n"), _accepted(again or first, 0.06)))
    return Fate((_accepted(first, chance.lognormvariate(-2.9, 0.5)),))


def slow(at: datetime, chance: Random, schedule: Schedule) -> Fate:
    """Works first and answers then: seconds each time, and now and then too many."""
    first = at + timedelta(seconds=chance.lognormvariate(-3.5, 0.8))
    took = chance.lognormvariate(0.9, 0.55)
    if took > 8 or chance.random() < 0.015:
        again = _after(first + timedelta(seconds=15), 1, chance, schedule)
        return Fate((_silent(first), _accepted(again or first, chance.uniform(2, 5))))
    return Fate((_accepted(first, took),))


def failing(at: datetime, since: datetime, until: datetime, place: int, chance: Random, schedule: Schedule) -> Fate:
    """Fine until `since`; from then on each call fails. While the lane rests, the first few alone are tried.

    `place` counts the deliveries that have failed, in their order.
    """
    if at < since:
        return healthy(at, chance, schedule)
    if place >= TRIED:
        return Fate()
    return _in_vain(at, until, chance, schedule)


def given_up(at: datetime, until: datetime, chance: Random, schedule: Schedule) -> Fate:
    """Tried as often as the schedule says, in vain."""
    return _in_vain(at, until, chance, schedule)


# How many deliveries of a failing script are tried again and again; the others wait behind them.
TRIED: Final = 14


def _in_vain(at: datetime, until: datetime, chance: Random, schedule: Schedule) -> Fate:
    tries: list[Try] = []
    due: datetime | None = at + timedelta(seconds=0.05)
    while due and due < until:
        tries.append(_failed(due, 500, FATAL, FATAL_HEAD))
        due = _after(due, len(tries), chance, schedule)
    return Fate(tuple(tries), due)


def _after(started: datetime, made: int, chance: Random, schedule: Schedule) -> datetime | None:
    pause = next_pause(made, jitter=chance.uniform(-1, 1), schedule=schedule, retry_after=None)
    return None if pause is None else started + timedelta(seconds=pause)


def _accepted(started: datetime, total: float) -> Try:
    return Try(started, judge(Reply(200), now=started), 200, min(0.004, total / 3), total)


def _failed(started: datetime, status: int, answer: bytes, head: str = "") -> Try:
    return Try(started, judge(Reply(status), now=started), status, 0.003, 0.041, answer, head)


def _silent(started: datetime) -> Try:
    return Try(started, judge(Reply(error=ErrorKind.TIMED_OUT), now=started), 0, 0.003, 15.0, b"")
