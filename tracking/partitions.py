"""Tables that are partitioned by day on their UUIDv7 ids, and the upkeep of their partitions.

A default partition takes what no day covers (a clock that jumped); making the day later moves its rows there.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel

from tracking.ids import first_id_at

# Upkeep steps back rather than make hits wait behind its lock, and before the server looks for a deadlock (1 s) and
# ends somebody else's transaction; it runs again within the hour.
_PATIENCE = "SET LOCAL lock_timeout = '500ms'"


class CreatePartitionedModel(CreateModel):
    """CreateModel for a table that is partitioned by range on its id, with its default partition."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: Any) -> None:
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = plain + ' PARTITION BY RANGE ("id")'
        try:
            super().database_forwards(app_label, schema_editor, *states)
        finally:
            schema_editor.sql_create_table = plain
        table = f"{app_label}_{self.name.lower()}"
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


def days(start: date, count: int) -> Iterator[date]:
    """`count` days, from `start` on."""
    return (start + timedelta(days=number) for number in range(count))


def existing(table: str) -> dict[date, str]:
    """The partitions of a table by their day, without the default one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        names = [name for (name,) in cursor.fetchall()]
    return {day_of(name): name for name in names if not name.endswith("_default")}


def make(table: str, wanted: Iterable[date], storage: str = "") -> list[date]:
    """Make the partitions that are missing, each with these storage parameters; the days that were made.

    Raises OperationalError when the table is too busy; the days before are made then.
    """
    missing = sorted(set(wanted) - existing(table).keys())
    return [day for day in missing if _make_one(table, day, storage)]


def drop(table: str, day: date) -> None:
    """Drop the partition of a day with all that is in it. Raises OperationalError when the table is too busy."""
    name = _name(table, day)
    # Dropping at once would hold the lock on the whole table while the files are deleted.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name}")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {name}")


def drop_detached(table: str) -> list[str]:
    """Drop the partitions that were detached, by this process or by one that died before it could; their names."""
    with connection.cursor() as cursor:
        cursor.execute(_DETACHED, [f"^{table}_[0-9]{{8}}$"])
        names = [name for (name,) in cursor.fetchall()]
        for name in names:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
    return names


def drop_uncovered(table: str, before: date, keep: str = "false") -> int:
    """Delete what no day covers and is older than a day, but for the rows that `keep` (SQL) is true of; how many."""
    low, _ = id_range(before)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}_default WHERE id < %s AND NOT ({keep})", [low])
        return int(cursor.rowcount)


_DETACHED = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relname ~ %s AND relnamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = pg_class.oid)
"""


def id_range(day: date) -> tuple[str, str]:
    """The bounds (from, to) of a day's ids, as a partition has them: the second is not in it."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return str(first_id_at(start)), str(first_id_at(start + timedelta(days=1)))


def _make_one(table: str, day: date, storage: str) -> bool:
    name, (low, high) = _name(table, day), id_range(day)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        # Rows that come in meanwhile wait here, where they don't know their partition yet: behind a lock on the default
        # one they would be on their way into it, and fail.
        cursor.execute(f"LOCK TABLE ONLY {table} IN SHARE ROW EXCLUSIVE MODE")
        if day in existing(table):
            return False
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        if storage:
            cursor.execute(f"ALTER TABLE {name} SET ({storage})")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {table}_default WHERE id >= %s AND id < %s RETURNING *)"
            f" INSERT INTO {name} SELECT * FROM moved",
            [low, high],
        )
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')")
    return True


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


def day_of(name: str) -> date:
    """The day of a partition, but for the default one, by its name."""
    return date.fromisoformat(name[-8:])
