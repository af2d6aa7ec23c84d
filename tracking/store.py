"""Writing events, in sets: one statement for the events and their outbox rows."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from tracking import arrays
from tracking.statements import run


class EventRow(NamedTuple):
    """An event as it is stored; `data` in the names of the wire contract."""

    id: UUID
    type: str
    account: int
    message: UUID | None
    data: dict[str, Any]


# An event that is there already keeps its row and gets no second outbox row: storing twice does nothing.
_STORE = """
WITH stored AS (
    INSERT INTO tracking_event (id, type, account_id, message_id, data)
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(types)s::text[], %(accounts)s::bigint[], %(messages)s::uuid[], %(data)s::text[]::jsonb[]
    )
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
INSERT INTO tracking_outbox (event_id) SELECT id FROM stored
"""


def store_events(rows: Sequence[EventRow]) -> None:
    """Store the events and owe them a fan-out, in one statement. Raises django.db.Error; then nothing was stored."""
    run(
        _STORE,
        ids=arrays.ids(row.id for row in rows),
        types=arrays.texts(row.type for row in rows),
        accounts=arrays.numbers(row.account for row in rows),
        messages=arrays.ids(row.message for row in rows),
        data=arrays.texts(json.dumps(row.data) for row in rows),
    )
