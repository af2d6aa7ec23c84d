"""The database's ledger, read over connections of its own: no fault leaves a broken one behind."""

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg

from chaos.ledgers import Database

_EVENTS = """
SELECT id::text, substring(data ->> 'useragent' FROM '^chaos/([0-9]{9}) ')::bigint
FROM tracking_event WHERE data ->> 'useragent' LIKE 'chaos/%'
"""
_DELIVERIES = "SELECT event_id::text, loop_id, state FROM feedbackloops_delivery"

# Promise 2, for each loop, in one look: a statement sees one moment.
_UNBALANCED = """
WITH owed AS (SELECT loop_id, sum(count) AS number FROM feedbackloops_owedcount GROUP BY 1),
held AS (SELECT loop_id, count(*) AS number FROM feedbackloops_delivery GROUP BY 1)
SELECT loop_id, coalesce(owed.number, 0)::bigint, coalesce(held.number, 0)::bigint
FROM owed FULL JOIN held USING (loop_id) WHERE owed.number IS DISTINCT FROM held.number ORDER BY 1
"""
# What was written in the future was written before the clock jumped back.
_OLD = "NOT BETWEEN now() - %(seconds)s * interval '1 second' AND now() + interval '1 minute'"
_WAITING = f"""
SELECT (SELECT count(*) FROM tracking_outbox WHERE created {_OLD})
    + (SELECT count(*) FROM feedbackloops_delivery WHERE state = 'pending' AND owed {_OLD})
"""
_PARKED = "SELECT count(*) FROM feedbackloops_parkedevent"


def read(url: str) -> Database:
    """Every event of a hit, and every delivery."""
    deliveries = {(event, loop): state for event, loop, state in _rows(url, _DELIVERIES)}
    return Database(dict(_rows(url, _EVENTS)), deliveries)


def imbalances(url: str) -> list[str]:
    """A sentence for each loop whose count of what is owed differs from its deliveries, at this moment."""
    return [
        f"Loop {loop} was owed {owed:,} deliveries as fan-out counted them, and has {held:,}."
        for loop, owed, held in _rows(url, _UNBALANCED)
    ]


def waiting(url: str, seconds: float) -> int:
    """How many events and deliveries have waited for longer than so many seconds."""
    ((number,),) = _rows(url, _WAITING, seconds=seconds)
    return int(number)


def parked(url: str) -> int:
    """How many events could not be fanned out."""
    ((number,),) = _rows(url, _PARKED)
    return int(number)


def _rows(url: str, query: LiteralString, **parameters: Any) -> Sequence[tuple[Any, ...]]:
    with psycopg.connect(url, connect_timeout=5) as connection:
        return connection.execute(query, parameters or None).fetchall()
