"""Writing events, in sets: one statement for the events and their outbox rows."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from tracking import arrays
from tracking.hits import Hit
from tracking.statements import run


class EventRow(NamedTuple):
    """An event as it is stored; `data` in the names of the wire contract."""

    id: UUID
    type: str
    account: int
    message: UUID | None
    data: dict[str, Any]


_STORING = """
WITH stored AS (
    INSERT INTO tracking_event (id, type, account_id, message_id, data)
    SELECT * FROM ROWS FROM (
        unnest(%(ids)s::uuid[], %(types)s::text[], %(accounts)s::bigint[], %(messages)s::uuid[]),
        jsonb_array_elements(%(data)s::jsonb)
    )
    {on_conflict}
    RETURNING id
)
INSERT INTO tracking_outbox (event_id) SELECT id FROM stored
"""
# An event that is there already keeps its row and gets no second outbox row: storing twice does nothing.
_STORE = _STORING.format(on_conflict="ON CONFLICT (id) DO NOTHING")
_STORE_AND_TELL = f"{_STORE} RETURNING event_id"


def store_events(rows: Sequence[EventRow | Hit]) -> None:
    """Store the events and owe them a fan-out, in one statement. Raises django.db.Error; then nothing was stored."""
    run(_STORE, **columns(rows))


def store_new_events(rows: Sequence[EventRow]) -> set[UUID]:
    """As store_events; the ids of those that were not there before."""
    return {id for (id,) in run(_STORE_AND_TELL, **columns(rows))}


def _json(values: list[dict[str, Any]]) -> str:
    try:
        return orjson.dumps(values).decode()
    except TypeError:
        # Half a surrogate pair, or a number beyond 64 bits: PostgreSQL says what it thinks of it.
        return json.dumps(values)


def columns(rows: Sequence[EventRow | Hit]) -> dict[str, str]:
    """The parameters that store these events."""
    return {
        "ids": arrays.ids(row.id for row in rows),
        "types": arrays.texts(row.type for row in rows),
        "accounts": arrays.numbers(row.account for row in rows),
        "messages": arrays.ids(row.message for row in rows),
        "data": _json([row.data for row in rows]),
    }


# For a Line, with the values of `columns`: looking whether they are there takes an eighth of the statement's time. Ids
# that were made just now never are, but where the replay of a spool was faster.
STORE_FRESH = _STORING.format(on_conflict="") % {name: f"${number}" for number, name in enumerate(columns([]), 1)}
