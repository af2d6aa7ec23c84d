"""From events to their deliveries, and from deliveries to their attempts, along ids that share an instant."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db import connection

from tracking.ids import same_moment

# The limit keeps the inner query whole: for each event PostgreSQL opens the one partition that its instant lies in.
_FOLLOWING: Final = """
SELECT following.id
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS earlier (id, low, high)
CROSS JOIN LATERAL (
    SELECT later.id FROM {table} later
    WHERE later.id BETWEEN earlier.low AND earlier.high AND later.{column} = earlier.id
    LIMIT 1000
) following
"""
_DELIVERIES: Final = _FOLLOWING.format(table="feedbackloops_delivery", column="event_id")
_ATTEMPTS: Final = _FOLLOWING.format(table="feedbackloops_attempt", column="delivery_id")


def deliveries_of(events: Collection[UUID]) -> list[UUID]:
    """The deliveries that are owed for these events, in no order."""
    return _following(_DELIVERIES, events)


def attempts_of(deliveries: Collection[UUID]) -> list[UUID]:
    """The attempts that were made of these deliveries, in no order."""
    return _following(_ATTEMPTS, deliveries)


def _following(query: str, ids: Collection[UUID]) -> list[UUID]:
    bounds = [same_moment(id) for id in ids]
    columns = [[str(id) for id in ids], [str(low) for low, _ in bounds], [str(high) for _, high in bounds]]
    with connection.cursor() as cursor:
        cursor.execute(query, columns)
        return [id for (id,) in cursor.fetchall()]
