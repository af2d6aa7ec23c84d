"""The SQL of the queue: lease lanes, claim what is due, record how it went.

Everything runs in sets, on the engine's own connection, in statements that PostgreSQL plans once.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import Cursor

from feedbackloops import queries
from feedbackloops.backlog import oldest_pending
from feedbackloops.protocol.payload import EventFacts
from tracking.ids import moment_of

START_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)
NIL = UUID(int=0)


class Lease(NamedTuple):
    """A lane that is ours until it lapses; `number` is the fence. `rests`: seconds for which it still cools down."""

    loop: int
    number: int
    troubles: int
    rests: float


class LaneFacts(NamedTuple):
    """What staff set, as it stands at this moment, for a lane that may be sent: active, verified and not stopped."""

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


class Place(NamedTuple):
    """Where a claim goes on: after this moment and id. `free`: how many it may take."""

    loop: int
    free: int
    after: datetime
    after_id: UUID


class Claimed(NamedTuple):
    """A delivery that is due."""

    id: UUID
    event: UUID
    loop: int
    account: int
    attempts: int
    attempts_before: int
    next_attempt: datetime


@dataclass(frozen=True, slots=True)
class Done:
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


class LaneNote(NamedTuple):
    """What an engine has learnt of a lane. `rests`: seconds from now."""

    loop: int
    number: int
    troubles: int
    rests: float
    succeeded: bool
    trouble: str
    stop_reason: str


def lease(engine: UUID, loops: Iterable[int], seconds: float) -> list[Lease]:
    """Take the lanes that nobody holds, for so many seconds of the database's clock."""
    rows = _run(queries.LEASE, engine=engine, loops=list(loops), seconds=float(seconds))
    return [Lease(*row) for row in rows]


def renew(engine: UUID, held: Sequence[tuple[int, int]], seconds: float) -> set[int]:
    """Hold the lanes (loop, lease number) for so many seconds from now; those that are still ours."""
    rows = _run(queries.RENEW, engine=engine, seconds=float(seconds), **_held(held))
    return {loop for (loop,) in rows}


def release(engine: UUID, held: Sequence[tuple[int, int]], *, anyway: bool = False) -> set[int]:
    """Give back the lanes (loop, lease number) in which nothing is due (`anyway`: all); those that were."""
    rows = _run(queries.RELEASE, engine=engine, anyway=anyway, oldest=oldest_pending(), **_held(held))
    return {loop for (loop,) in rows}


def facts(loops: Iterable[int]) -> list[LaneFacts]:
    """What to know to send these lanes; one that may not be sent now is left out. Secrets are still encrypted."""
    return [LaneFacts(*row) for row in _run(queries.FACTS, loops=list(loops))]


def claim(places: Sequence[Place]) -> list[Claimed]:
    """What is due in these lanes, the earliest first in each."""
    rows = _run(
        queries.CLAIM,
        oldest=oldest_pending(),
        loops=[place.loop for place in places],
        free=[place.free for place in places],
        after=[place.after for place in places],
        after_ids=[place.after_id for place in places],
    )
    return [Claimed(*row) for row in rows]


def events(ids: Sequence[UUID]) -> dict[UUID, tuple[EventFacts, dict[str, Any]]]:
    """The events with their snapshots (empty where there was nothing to keep), by id."""
    rows = _run(queries.EVENTS, ids=list(ids), first=min(ids), last=max(ids))
    return {
        id: (EventFacts(id, type, moment_of(id), json.loads(data), message), json.loads(snapshot or "{}"))
        for id, type, message, data, snapshot in rows
    }


def record(done: Sequence[Done]) -> None:
    """Write the attempts and move their deliveries on, in one statement."""
    dns, connects, tls, first_bytes, totals = zip(*(each.timings for each in done), strict=True)
    _run(
        queries.RECORD,
        ids=[each.id for each in done],
        deliveries=[each.delivery for each in done],
        loops=[each.loop for each in done],
        accounts=[each.account for each in done],
        numbers=[each.number for each in done],
        started=[each.started for each in done],
        outcomes=[each.outcome for each in done],
        states=[each.state for each in done],
        pauses=[float(each.pause) for each in done],
        messages=[each.message for each in done],
        statuses=[each.status for each in done],
        addresses=[each.address for each in done],
        dns=list(dns),
        connects=list(connects),
        tls=list(tls),
        first_bytes=list(first_bytes),
        totals=list(totals),
        answers=[each.answer for each in done],
        first=min(each.delivery for each in done),
        last=max(each.delivery for each in done),
    )


def note(engine: UUID, notes: Sequence[LaneNote]) -> None:
    """Write what the engine has learnt of lanes that are still its own."""
    names = ("loops", "numbers", "troubles", "rests", "succeeded", "trouble", "stop_reasons")
    columns = (list(column) for column in zip(*notes, strict=True))
    _run(queries.NOTE, engine=engine, **dict(zip(names, columns, strict=True)))


def due() -> list[int]:
    """The loops in which something is due and that nobody holds."""
    return [loop for (loop,) in _run(queries.DUE, oldest=oldest_pending())]


def _held(held: Sequence[tuple[int, int]]) -> dict[str, list[int]]:
    return {"loops": [loop for loop, _ in held], "numbers": [number for _, number in held]}


def _run(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    # Django binds parameters on the client, and PostgreSQL would plan each statement anew: with a partition a day,
    # planning costs more than running.
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(query, parameters or None, prepare=True)
        return cursor.fetchall() if cursor.description else []
