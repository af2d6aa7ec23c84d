"""How far back the pending deliveries reach, so that no claim has to look into the partitions of months ago."""

import threading
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import ProgrammingError, connection
from django.utils.timezone import now

from feedbackloops.models import Delivery, DeliveryState
from tracking import partitions
from tracking.ids import first_id_at

NIL = UUID(int=0)
# For so long a delivery below the bound, owed days late or sent again, goes unseen.
KEPT_SECONDS = 10.0

_known = threading.local()


def oldest_pending() -> UUID:
    """A bound that no pending delivery's id was below up to KEPT_SECONDS ago, and none is that is owed within a day."""
    if monotonic() - getattr(_known, "since", float("-inf")) >= KEPT_SECONDS:
        _known.bound, _known.since = _look_up(now().date()), monotonic()
    bound: UUID = _known.bound
    return bound


def _look_up(today: date) -> UUID:
    table = Delivery._meta.db_table
    days = partitions.existing(table)
    try:
        if _value(f"SELECT {_exists(f'{table}_default')}"):
            # Its ids may be of any time.
            return NIL
        first = _first_with_pending(days) if days else None
    except ProgrammingError:
        # A partition was dropped between the questions.
        return NIL
    day = min(first or today, today - timedelta(days=1))
    return first_id_at(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _first_with_pending(days: dict[date, str]) -> date | None:
    questions = [f"SELECT DATE '{day}' AS day WHERE {_exists(name)}" for day, name in days.items()]
    first: date | None = _value(f"SELECT min(day) FROM ({' UNION ALL '.join(questions)}) found")
    return first


def _exists(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM {table} WHERE state = '{DeliveryState.PENDING}')"


def _value(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]
