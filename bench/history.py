"""Histories and backlogs by the million: rows as the flow leaves them, made by PostgreSQL itself, in order of time."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from json import dumps
from secrets import token_hex
from typing import Any, NamedTuple

from django.db import ProgrammingError, connection, connections
from django.utils.timezone import now

from feedbackloops import history
from feedbackloops.models import FeedbackLoop
from feedbackloops.protocol import latency
from rig.customers import FIELDS, Customer, customers
from tracking import partitions
from tracking.ids import first_id_at

logger = logging.getLogger(__name__)

DAYS = 30
BACKLOG_MINUTES = 20
# Each chunk is one statement; two sessions keep two cores busy.
CHUNK = 25_000
SESSIONS = 2
TOLD_EVERY = 1_000_000
TABLES = (*history.TABLES, "tracking_message", "feedbackloops_owedcount", "feedbackloops_loophour")


class Chunk(NamedTuple):
    """The rows `first` to `last` (counted from 0) of `rows`, which are spread evenly from `start` on, for `span` ms."""

    first: int
    last: int
    rows: int
    start: int
    span: int


def owners(number: int = 20) -> list[Customer]:
    """Customers with an active, verified loop each, whom no hit is for: to whom a history can belong."""
    return customers("History", [f"http://127.0.0.1:9/scripts/{number}.php" for number in range(number)])


def fill(owners: Sequence[Customer], rows: int) -> None:
    """Make so many messages, each with an event, its snapshot, a delivery that was delivered and its attempt.

    They are spread evenly over the last DAYS days, and over the owners. What is owed and delivered is counted
    along. PostgreSQL settles then.
    """
    end = now()
    make_days()
    chunks = _chunks(rows, end - timedelta(days=DAYS), end)
    texts = {"snapshot": _snapshot(), "state": "delivered", "outcome": "accepted", "attempts": 1}
    statement = _statement(_MESSAGES, _EVENTS, _SNAPSHOTS, _DELIVERIES, _ATTEMPTS, _OWED)
    loops = [loop for each in owners for loop in each.loops]
    _insert(statement, chunks, loops, texts)
    _sum_up_hours(loops)
    settle()


def backlog(loop: FeedbackLoop, number: int) -> None:
    """Make so many deliveries that are due in the loop's lane, with their events and snapshots.

    The events happened in the last BACKLOG_MINUTES. PostgreSQL settles then.
    """
    end = now()
    chunks = _chunks(number, end - timedelta(minutes=BACKLOG_MINUTES), end)
    texts = {"snapshot": _snapshot(), "state": "pending", "outcome": "", "attempts": 0}
    _insert(_statement(_EVENTS, _SNAPSHOTS, _DELIVERIES, _OWED), chunks, [loop], texts)
    settle()


def settle() -> None:
    """Have PostgreSQL know how much there is, and of what, and have all of it on disk, as after some minutes."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
        # Who may not ask for it measures beside the writing of what was made just now.
        with suppress(ProgrammingError):
            cursor.execute("CHECKPOINT")


def make_days() -> None:
    """Make the partitions of the last DAYS days, as they are there after that time whether or not anything happened."""
    wanted = list(partitions.days(now().date() - timedelta(days=DAYS), DAYS + 1))
    for table in history.TABLES:
        partitions.make(table, wanted, history.STORAGE.get(table, ""))


def _chunks(rows: int, start: datetime, end: datetime) -> list[Chunk]:
    first_ms, last_ms = (first_id_at(moment).int >> 80 for moment in (start, end))
    spread = (rows, first_ms, last_ms - first_ms)
    return [Chunk(first, min(first + CHUNK, rows) - 1, *spread) for first in range(0, rows, CHUNK)]


def _sum_up_hours(loops: Sequence[FeedbackLoop]) -> None:
    """Keep what was delivered in each hour, as the recording of attempts does; all of it at once."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, {"loops": [loop.pk for loop in loops], "slower": [0] * (latency.BUCKETS - 1)})


def _snapshot() -> str:
    facts = {"recipient": "ann@example.com", "tags": ["spring", "sale"], "profile": 1, "database": 1}
    maker = {"verdict": "human", "reasons": ["browser"], "client": "Firefox 140", "os": "Linux", "first": 1}
    return dumps(facts | {"fields": FIELDS, "interests": ["shoes", "music"]} | maker)


def _insert(statement: str, chunks: Sequence[Chunk], loops: Sequence[FeedbackLoop], texts: dict[str, Any]) -> None:
    """Run the statement for each chunk, in a few sessions at once."""
    fixed = texts | {
        "seed": token_hex(8),
        "loops": [loop.pk for loop in loops],
        "accounts": [loop.account_id for loop in loops],
    }

    def work(own: Sequence[Chunk]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET synchronous_commit = off; SET work_mem = '64MB'")
                for chunk in own:
                    if chunk.first % TOLD_EVERY == 0:
                        logger.info("rows: %s of %s", f"{chunk.first:,}", f"{chunk.rows:,}")
                    cursor.execute(statement, fixed | chunk._asdict())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(work, [chunks[number::SESSIONS] for number in range(SESSIONS)]))


# All ids of a row are of one millisecond, as derived ones are (RFC 9562, section 5.7): they differ in the variant's
# free bits.
_MADE = """
SELECT n, loop_id, account_id, to_timestamp(ms / 1000.0) AS moment,
    (head || '8' || tail)::uuid AS message, (head || '9' || tail)::uuid AS event,
    (head || 'a' || tail)::uuid AS delivery, (head || 'b' || tail)::uuid AS attempt
FROM (
    SELECT n, ms, lpad(to_hex(ms), 12, '0') || '7' || left(hash, 3) AS head, right(hash, 15) AS tail,
        (%(loops)s::bigint[])[1 + n %% cardinality(%(loops)s::bigint[])] AS loop_id,
        (%(accounts)s::bigint[])[1 + n %% cardinality(%(loops)s::bigint[])] AS account_id
    FROM (
        SELECT n, %(start)s + n * %(span)s / %(rows)s AS ms, md5(%(seed)s || n) AS hash
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    ) AS numbered
) AS named
"""

_MESSAGES = """
INSERT INTO tracking_message (id, account_id, recipient, tags, created)
SELECT message, account_id, 'reader' || n || '@example.com', '{spring,sale}', moment FROM made
"""

_EVENTS = """
INSERT INTO tracking_event (id, type, account_id, message_id, data, recorded)
SELECT event, CASE WHEN n % 3 = 0 THEN 'click' ELSE 'open' END, account_id, message,
    '{"ip": "192.0.2.1", "useragent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}', moment
FROM made
""".replace("%", "%%")

_SNAPSHOTS = "INSERT INTO feedbackloops_snapshot (id, data) SELECT event, %(snapshot)s::jsonb FROM made"

_DELIVERIES = """
INSERT INTO feedbackloops_delivery (id, event_id, loop_id, account_id, state, outcome, attempts, next_attempt, owed)
SELECT delivery, event, loop_id, account_id, %(state)s, %(outcome)s, %(attempts)s, moment, moment FROM made
"""

_ATTEMPTS = """
INSERT INTO feedbackloops_attempt (id, delivery_id, loop_id, account_id, number, started, outcome, status, address,
    connect, first_byte, total, answer)
SELECT attempt, delivery, loop_id, account_id, 1, moment, 'accepted', 200, '192.0.2.2', 0.011, 0.034, 0.035, 'ok'
FROM made
"""

_OWED = """
INSERT INTO feedbackloops_owedcount (loop_id, hour, count)
SELECT loop_id, date_trunc('hour', moment), count(*) FROM made GROUP BY 1, 2
"""

_HOURS = """
INSERT INTO feedbackloops_loophour (loop_id, hour, delivered, failed, given_up, latency)
SELECT loop_id, hour, sum(count), 0, 0, sum(count)::bigint || %(slower)s::bigint[]
FROM feedbackloops_owedcount WHERE loop_id = ANY(%(loops)s::bigint[]) GROUP BY 1, 2
ON CONFLICT (loop_id, hour) DO UPDATE SET delivered = excluded.delivered, latency = excluded.latency
"""


def _statement(*inserts: str) -> str:
    parts = [f"made AS MATERIALIZED ({_MADE})", *(f"part{n} AS ({sql})" for n, sql in enumerate(inserts[:-1]))]
    return f"WITH {', '.join(parts)} {inserts[-1]}"
