"""The order in which events were recorded, such that who reads on from a place in it misses none.

A position is the number of the transaction that stored the event, on top of the number of the era. Transactions commit
in another order than they begin, so a reader goes no further than the oldest one that may still be under way: whatever
is stored later has a higher position than all that was read. It costs the INSERT no question and no lock.

Transactions are numbered anew where a dump is restored into another server, and where a server goes back to a moment or
a standby takes its place: then a new era begins, whose positions are all higher than those of the eras before.
"""

import logging
from typing import Any, Final

from django.db import OperationalError, connection, models, transaction

logger = logging.getLogger(__name__)

ERA_BITS: Final = 48
_NUMBER: Final = "pg_current_xact_id()::text::bigint"
# Rows that are being stored have to commit first; whoever comes after them waits no longer than this.
_PATIENCE: Final = "SET LOCAL lock_timeout = '500ms'"
_SERVER: Final = "SELECT system_identifier::text, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
_HORIZON: Final = f"""
SELECT (coalesce(max(number), 0)::bigint << {ERA_BITS}) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
FROM tracking_recordingera
"""


class Position(models.Func):
    """The position of a row that is stored by the transaction which asks."""

    template = f"({_NUMBER})"
    output_field = models.BigIntegerField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)


def horizon() -> int:
    """The position before which all that there will ever be is there."""
    with connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        return int(cursor.fetchone()[0])


def begin_era_if_needed() -> bool:
    """Begin a new era where the server is not the one that numbered the last events; whether it was."""
    # The model belongs to the app that is being set up where this is imported.
    from tracking.models import RecordingEra

    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_SERVER)
            server, timeline = cursor.fetchone()
            last = RecordingEra.objects.order_by("-number").first()
            if last and (last.server, last.timeline) == (server, timeline):
                return False
            number = last.number + 1 if last else 0
            RecordingEra.objects.create(number=number, server=server, timeline=timeline)
            cursor.execute(_PATIENCE)
            # Rows go in through the whole table, whose default is the one that counts.
            base = number << ERA_BITS
            cursor.execute(f"ALTER TABLE ONLY tracking_event ALTER COLUMN position SET DEFAULT ({base} + {_NUMBER})")
    except OperationalError as error:
        logger.warning("The new era of events' positions begins within the hour, they are too busy now: %s", error)
        return False
    return True
