"""Finding a loop's deliveries by index, however long the history is: no question reads more than LOOKED_AT rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any, Final
from uuid import UUID

from django.db import connection

from feedbackloops.admin.sections.choice import Choice, Key, Which
from feedbackloops.models import DeliveryState
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.tracing import deliveries_of
from tracking.browsing import as_uuid, events_named
from tracking.ids import first_id_at

SHOWN: Final = 25
LOOKED_AT: Final = 5000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(9999, 1, 1, tzinfo=UTC)

_COLUMNS: Final = "d.id, d.event_id, d.state, d.outcome, d.next_attempt"
_RANGE: Final = "d.loop_id = %(loop)s AND d.id >= %(low)s AND d.id < %(high)s"
_OF_ALL: Final = f"""
SELECT {_COLUMNS} FROM feedbackloops_delivery d WHERE {_RANGE} ORDER BY d.id DESC LIMIT %(most)s
"""
_OF_NAMED: Final = f"""
SELECT {_COLUMNS} FROM feedbackloops_delivery d WHERE {_RANGE} AND d.id = ANY(%(named)s::uuid[])
ORDER BY d.id DESC LIMIT %(most)s
"""
_OF_QUEUE: Final = f"""
SELECT {_COLUMNS} FROM feedbackloops_delivery d
WHERE {_RANGE} AND d.state = 'pending' AND (d.next_attempt, d.id) > (%(due)s::timestamptz, %(due_id)s::uuid)
ORDER BY d.next_attempt, d.id LIMIT %(most)s
"""
# In the words of the condition of the index delivery_failed, or it would not be used.
_OF_FAILED: Final = f"""
SELECT failed.* FROM unnest(%(states)s::text[], %(outcomes)s::text[]) AS kind (state, outcome)
CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM feedbackloops_delivery d
    WHERE {_RANGE} AND d.state = kind.state AND d.outcome = kind.outcome
        AND NOT d.state = 'delivered' AND (NOT d.state = 'pending' OR NOT d.outcome = '')
    ORDER BY d.id DESC LIMIT %(most)s
) failed
ORDER BY failed.id DESC LIMIT %(most)s
"""
# What no index tells is sieved from the first so many; how far that reached is told, and where to go on.
_FIND: Final = """
WITH looked AS MATERIALIZED ({candidates}), kept AS (
    SELECT l.id, l.next_attempt FROM looked l WHERE {sieve} ORDER BY {order} LIMIT %(shown)s + 1
)
SELECT 'kept', id, next_attempt, 0 FROM kept
UNION ALL
(SELECT 'last', id, next_attempt, (SELECT count(*) FROM looked) FROM looked ORDER BY {reverse} LIMIT 1)
"""
_OF_TYPE: Final = "(SELECT e.type FROM tracking_event e WHERE e.id = l.event_id) = %(type)s"
_OF_VERDICT: Final = "(SELECT s.data ->> 'verdict' FROM feedbackloops_snapshot s WHERE s.id = l.event_id) = %(made)s"
_NEWEST: Final = ("id DESC", "id")
_QUEUE: Final = ("next_attempt, id", "next_attempt DESC, id DESC")

STATES: Final = {
    Which.ALL: [DeliveryState.PENDING, DeliveryState.GIVEN_UP, DeliveryState.CANCELLED],
    Which.WAITING: [DeliveryState.PENDING],
    Which.RETRYING: [DeliveryState.PENDING],
    Which.GIVEN_UP: [DeliveryState.GIVEN_UP],
    Which.CANCELLED: [DeliveryState.CANCELLED],
    Which.DELIVERED: [],
    Which.TESTS: [],
}


@dataclass(frozen=True, slots=True)
class Found:
    """The deliveries of a page, in its order. `next`: where the next page begins, None at the end.

    `looked_at`: how many were looked through, where that ended the page before it was full; else 0.
    """

    ids: list[UUID]
    next: Key | None = None
    looked_at: int = 0
    reached: UUID | None = None


def find(loop: int, choice: Choice) -> Found:
    """The loop's deliveries that are asked for, a page of them."""
    if choice.which is Which.TESTS:
        return Found([])
    candidates, facts = _candidates(choice)
    sieves = _sieves(choice)
    in_queue = candidates is _OF_QUEUE
    order, reverse = _QUEUE if in_queue else _NEWEST
    query = _FIND.format(candidates=candidates, sieve=" AND ".join(sieves) or "true", order=order, reverse=reverse)
    most = LOOKED_AT if sieves else SHOWN + 1
    facts |= {"loop": loop, "most": most, "shown": SHOWN}
    facts |= {"type": choice.type, "made": choice.made, "outcome": choice.outcome}
    with connection.cursor() as cursor:
        cursor.execute(query, facts | _range(choice, in_queue))
        rows = cursor.fetchall()
    return _page(rows, most, in_queue)


def _candidates(choice: Choice) -> tuple[str, dict[str, Any]]:
    """What is read through an index, in which order."""
    if choice.who:
        return _OF_NAMED, {"named": [str(id) for id in _named(choice.who)]}
    if choice.which is Which.WAITING and not choice.outcome:
        return _OF_QUEUE, {}
    if choice.outcome or choice.which in (Which.RETRYING, Which.GIVEN_UP, Which.CANCELLED):
        outcomes = [choice.outcome] if choice.outcome else ["", *(outcome.value for outcome in Outcome)]
        kinds = list(product(STATES[choice.which], outcomes))
        return _OF_FAILED, {"states": [state for state, _ in kinds], "outcomes": [outcome for _, outcome in kinds]}
    return _OF_ALL, {}


def _named(who: str) -> list[UUID]:
    own = as_uuid(who)
    return [*([own] if own else []), *deliveries_of(events_named(who))]


def _sieves(choice: Choice) -> list[str]:
    """What is left to be asked of each candidate."""
    sieves = [*([_OF_TYPE] if choice.type else []), *([_OF_VERDICT] if choice.made else [])]
    if choice.which is Which.DELIVERED:
        sieves.append("l.state = 'delivered'")
    if choice.who:
        if choice.which in (Which.WAITING, Which.RETRYING, Which.GIVEN_UP, Which.CANCELLED):
            sieves.append(f"l.state = '{STATES[choice.which][0].value}'")
        if choice.which is Which.RETRYING:
            sieves.append("l.outcome <> ''")
        if choice.outcome:
            sieves.append("l.outcome = %(outcome)s")
    return sieves


def _range(choice: Choice, in_queue: bool) -> dict[str, Any]:
    low, high = first_id_at(choice.since or LONG_AGO), first_id_at(choice.until or FAR_AHEAD)
    after = choice.after
    if after and not in_queue:
        high = min(high, after.id)
    due = after.due if after and in_queue and after.due else LONG_AGO
    return {"low": str(low), "high": str(high), "due": due, "due_id": str(after.id if after else UUID(int=0))}


def _page(rows: Sequence[tuple[str, UUID, datetime, int]], most: int, in_queue: bool) -> Found:
    kept = [(id, due) for kind, id, due, _ in rows if kind == "kept"]
    last = next(((id, due, count) for kind, id, due, count in rows if kind == "last"), None)
    ids = [id for id, _ in kept[:SHOWN]]
    if len(kept) > SHOWN:
        return Found(ids, _key(*kept[SHOWN - 1], in_queue))
    if last and last[2] == most and most == LOOKED_AT:
        return Found(ids, _key(last[0], last[1], in_queue), most, last[0])
    return Found(ids)


def _key(id: UUID, due: datetime, in_queue: bool) -> Key:
    return Key(id, due if in_queue else None)
