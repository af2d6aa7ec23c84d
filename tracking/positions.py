"""The order in which events, messages and profiles were stored, such that who reads on from a place in it misses none.

A position is the number of the transaction that stored the row, on top of the number of the era. Transactions commit
in another order than they begin, so a reader goes no further than the oldest one that may still be under way: whatever
is stored later has a higher position than all that was read. It costs the INSERT no question and no lock.

Transactions are numbered anew where a dump is restored into another server, and where a server goes back to a moment or
a standby takes its place: then a new era begins, whose positions are all higher than those of the eras before.
"""

import logging
from dataclasses import dataclass
from typing import Final

from django.db import OperationalError, connection, models, transaction
from django.db.backends.utils import CursorWrapper

from profiles.positions import NUMBER, Position

# Migrations know it by this module's name.
__all__ = ["ERA_BITS", "NOTHING", "Position", "Sight", "begin_era_if_needed", "horizon", "sight"]

logger = logging.getLogger(__name__)

ERA_BITS: Final = 48
_TABLES: Final = ("tracking_event", "tracking_message", "profiles_profile")
# Rows that are being stored have to commit first; whoever comes after them waits no longer than this.
_PATIENCE: Final = "SET LOCAL lock_timeout = '500ms'"
_SERVER: Final = "SELECT system_identifier::text, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
_BASE: Final = f"(SELECT coalesce(max(number), 0)::bigint << {ERA_BITS} FROM tracking_recordingera)"
_HORIZON: Final = f"SELECT {_BASE} + pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_SIGHT: Final = f"""
SELECT base + pg_snapshot_xmin(now)::text::bigint, base + pg_snapshot_xmax(now)::text::bigint,
    ARRAY(SELECT base + id::text::bigint FROM pg_snapshot_xip(now) id)
FROM (SELECT {_BASE} AS base, pg_current_snapshot() AS now) moment
"""
# Those whose default has another base in it; where it has none, that is the first era's.
_OTHERS: Final = """
SELECT adrelid::regclass::text FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
WHERE attname = 'position' AND adrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name)
    AND coalesce(substring(pg_get_expr(adbin, adrelid) from '[0-9]{10,}'), '0') <> %s
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one moment saw: every position below `low`, and those below `high` that were not under way."""

    low: int
    high: int
    under_way: tuple[int, ...] = ()

    @property
    def seen(self) -> models.Q:
        """The rows that it saw."""
        return models.Q(position__lt=self.high) & ~models.Q(position__in=self.under_way)

    @property
    def unseen(self) -> models.Q:
        """The rows that it did not see: none is below `low`, so that an index leads to them."""
        later = models.Q(position__gte=self.high) | models.Q(position__in=self.under_way)
        return models.Q(position__gte=self.low) & later


# Before anything was there.
NOTHING: Final = Sight(0, 0)


def sight() -> Sight:
    """What is seen now."""
    with connection.cursor() as cursor:
        cursor.execute(_SIGHT)
        low, high, under_way = cursor.fetchone()
    return Sight(low, high, tuple(under_way))


def horizon() -> int:
    """The position before which all that there will ever be is there."""
    with connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        return int(cursor.fetchone()[0])


def begin_era_if_needed() -> bool:
    """Begin a new era where the server is not the one that numbered the last rows; whether it was."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            number, is_new = _era(cursor)
            _number_from(cursor, number << ERA_BITS)
            return is_new
    except OperationalError as error:
        logger.warning("The new era of positions begins within the hour, its tables are too busy now: %s", error)
        return False


def _era(cursor: CursorWrapper) -> tuple[int, bool]:
    """The number of the era that this server is in, and whether it begins now."""
    # The model belongs to the app that is being set up where this is imported.
    from tracking.models import RecordingEra

    cursor.execute(_SERVER)
    server, timeline = cursor.fetchone()
    last = RecordingEra.objects.order_by("-number").first()
    if last and (last.server, last.timeline) == (server, timeline):
        return last.number, False
    number = last.number + 1 if last else 0
    RecordingEra.objects.create(number=number, server=server, timeline=timeline)
    return number, True


def _number_from(cursor: CursorWrapper, base: int) -> None:
    """Have all tables number on top of this, where they don't yet."""
    cursor.execute(_OTHERS, [list(_TABLES), str(base)])
    for (table,) in cursor.fetchall():
        cursor.execute(_PATIENCE)
        # Rows go in through the whole table, whose default is the one that counts.
        cursor.execute(f"ALTER TABLE ONLY {table} ALTER COLUMN position SET DEFAULT ({base} + {NUMBER})")
