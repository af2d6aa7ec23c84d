"""The SQL of the queue: lease lanes, claim what is due, record how it went.

Everything runs in sets, on the engine's own connection, in statements that PostgreSQL plans once.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from feedbackloops import queries
from feedbackloops.backlog import oldest_pending
from feedbackloops.protocol.payload import EventFacts
from tracking import arrays
from tracking.ids import moment_of
from tracking.statements import run

# A moment in a claim is what PostgreSQL wrote, and means nothing here.
START_OF_TIME = "-infinity"
NIL = UUID(int=0)
# A notice has 8000 bytes, an id up to nineteen digits.
TOLD_AT_ONCE = 400


class Lease(NamedTuple):
    """A lane that is ours until it lapses; `number` is the fence. `rests`: seconds for which it still cools down.

    `failing`: no call has succeeded since one failed.
    """

    loop: int
    number: int
    troubles: int
    rests: float
    failing: bool = False


class LaneFacts(NamedTuple):
    """What staff have set for a lane that may be sent: active, verified and not stopped. `version`: as in Claimed.

    `failing`: as in Lease; staff who resume a loop have it start afresh.
    """

    loop: int
    account: int
    url: str
    body_format: str
    secret: str
    previous_secret: str
    rsa_private_key: str
    rsa_key_id: str
    in_flight_limit: int
    rate_limit: int | None
    version: str
    failing: bool
    only_fields: Sequence[str] = ()
    left_out: Sequence[str] = ()


class Place(NamedTuple):
    """Where a claim goes on: after this moment and id. `free`: how many it may take."""

    loop: int
    free: int
    after: str
    after_id: UUID


class Claimed(NamedTuple):
    """A delivery that is due. `version` is another one with each change of the loop."""

    id: UUID
    event: UUID
    loop: int
    account: int
    attempts: int
    attempts_before: int
    next_attempt: str
    version: str


class Done(NamedTuple):
    """An attempt that has ended, and what follows from it. `pause`: seconds until the next one, where there is one."""

    id: UUID
    delivery: UUID
    loop: int
    account: int
    number: int
    started: datetime
    outcome: str
    state: str
    pause: float
    message: str
    status: int
    address: str
    timings: tuple[float, float, float, float, float]
    answer: bytes
    head: str = ""
    version: int | None = None


class LaneNote(NamedTuple):
    """What an engine has learnt of a lane. `rests`: seconds from now."""

    loop: int
    number: int
    troubles: int
    rests: float
    succeeded: bool
    failing: bool
    trouble: str
    stop_reason: str


def lease(engine: UUID, loops: Iterable[int], seconds: float) -> list[Lease]:
    """Take the lanes that nobody else holds, for so many seconds of the database's clock; none that we know is ours."""
    rows = run(queries.LEASE, engine=engine, loops=arrays.numbers(loops), seconds=float(seconds))
    return [Lease(*row) for row in rows]


def renew(engine: UUID, held: Sequence[tuple[int, int]], seconds: float) -> set[int]:
    """Hold the lanes (loop, lease number) for so many seconds from now; those that are still ours."""
    rows = run(queries.RENEW, engine=engine, seconds=float(seconds), **_held(held))
    return {loop for (loop,) in rows}


def release(engine: UUID, held: Sequence[tuple[int, int]], *, anyway: bool = False) -> set[int]:
    """Give back the lanes (loop, lease number) in which nothing is due (`anyway`: all); those that were."""
    rows = run(queries.RELEASE, engine=engine, anyway=anyway, oldest=oldest_pending(), **_held(held))
    return {loop for (loop,) in rows}


def facts(loops: Iterable[int]) -> list[LaneFacts]:
    """What to know to send these lanes; one that may not be sent now is left out. Secrets are still encrypted."""
    return [LaneFacts(*row) for row in run(queries.FACTS, loops=arrays.numbers(loops))]


def claim(places: Sequence[Place]) -> list[Claimed]:
    """What is due in these lanes, the earliest first in each; nothing of a lane that may not be sent at this moment."""
    rows = run(
        queries.CLAIM,
        oldest=oldest_pending(),
        loops=arrays.numbers(place.loop for place in places),
        free=arrays.numbers(place.free for place in places),
        after=arrays.texts(place.after for place in places),
        after_ids=arrays.ids(place.after_id for place in places),
    )
    return [Claimed(*row) for row in rows]


def events(ids: Collection[UUID]) -> dict[UUID, tuple[EventFacts, dict[str, Any]]]:
    """The events with their snapshots (empty where there was nothing to keep), by id."""
    rows = run(queries.EVENTS, ids=arrays.ids(ids), first=min(ids), last=max(ids))
    return {
        id: (EventFacts(id, type, moment_of(id), _read(data), message), _read(snapshot or "{}"))
        for id, type, message, data, snapshot in rows
    }


def record(done: Sequence[Done]) -> None:
    """Write the attempts and move their deliveries on, in one statement."""
    dns, connects, tls, first_bytes, totals = zip(*(each.timings for each in done), strict=True)
    run(
        queries.RECORD,
        ids=arrays.ids(each.id for each in done),
        deliveries=arrays.ids(each.delivery for each in done),
        loops=arrays.numbers(each.loop for each in done),
        accounts=arrays.numbers(each.account for each in done),
        numbers=arrays.numbers(each.number for each in done),
        started=arrays.moments(each.started for each in done),
        outcomes=arrays.words(each.outcome for each in done),
        states=arrays.words(each.state for each in done),
        pauses=arrays.numbers(float(each.pause) for each in done),
        messages=arrays.texts(each.message for each in done),
        statuses=arrays.numbers(each.status for each in done),
        addresses=arrays.texts(each.address for each in done),
        dns=arrays.numbers(dns),
        connects=arrays.numbers(connects),
        tls=arrays.numbers(tls),
        first_bytes=arrays.numbers(first_bytes),
        totals=arrays.numbers(totals),
        answers=arrays.octets(each.answer for each in done),
        heads=arrays.texts(each.head for each in done),
        versions=arrays.numbers(each.version or 0 for each in done),
        first=min(each.delivery for each in done),
        last=max(each.delivery for each in done),
    )


def note(engine: UUID, notes: Sequence[LaneNote]) -> None:
    """Write what the engine has learnt of lanes that are still its own."""
    names = ("loops", "numbers", "troubles", "rests", "succeeded", "failing", "trouble", "stop_reasons")
    columns = (list(column) for column in zip(*notes, strict=True))
    run(queries.NOTE, engine=engine, **dict(zip(names, columns, strict=True)))


def tell(loops: Collection[int]) -> set[int]:
    """Tell whoever holds these lanes that there is something to do; those that somebody holds."""
    known = sorted(loops)
    parts = (known[start : start + TOLD_AT_ONCE] for start in range(0, len(known), TOLD_AT_ONCE))
    told = (held for part in parts for held, _ in run(queries.TELL, loops=arrays.numbers(part)))
    return set(chain.from_iterable(told))


def due() -> list[int]:
    """The loops in which something is due and that nobody holds."""
    return [loop for (loop,) in run(queries.DUE, oldest=oldest_pending())]


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        # A number that no float can hold: it can't be sent either, but the other events of the set can.
        return json.loads(text, parse_int=float)


def _held(held: Sequence[tuple[int, int]]) -> dict[str, str]:
    return {
        "loops": arrays.numbers(loop for loop, _ in held),
        "numbers": arrays.numbers(number for _, number in held),
    }
