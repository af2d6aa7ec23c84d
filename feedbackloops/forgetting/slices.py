"""Tables that are too large to be read by one statement: the partition of a day, a stretch of time after another."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from tracking import partitions

# Bytes. A statement takes a second or two for them, and holds up the vacuum of other tables no longer.
AT_ONCE: Final = 64 * 2**20
_ALL: Final = (str(UUID(int=0)), str(UUID(int=2**128 - 1)))
_SIZES: Final = (
    "SELECT inhrelid::regclass::text, pg_table_size(inhrelid) FROM pg_inherits WHERE inhparent = %s::regclass"
)


class Slice(NamedTuple):
    """Rows of a partition by their ids: from `low` on, below `high`."""

    relation: str
    low: str
    high: str

    def covers(self, id: str) -> str:
        """SQL that is true of the ids (a column) in it."""
        return f"({id} >= '{self.low}' AND {id} < '{self.high}')"


def slices(table: str) -> Iterator[Slice]:
    """All of a partitioned table."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZES, [table])
        found = sorted(cursor.fetchall())
    for relation, size in found:
        yield from cut(relation, size)


def cut(relation: str, size: int) -> Iterator[Slice]:
    """A partition of this size (bytes), in parts of about AT_ONCE; the default one, which is small, whole."""
    if relation.endswith("_default"):
        yield Slice(relation, *_ALL)
        return
    low, high = (UUID(bound).int for bound in partitions.id_range(partitions.day_of(relation)))
    parts = -(-max(size, 1) // AT_ONCE)
    bounds = [str(UUID(int=low + (high - low) * number // parts)) for number in range(parts + 1)]
    yield from (Slice(relation, *each) for each in pairwise(bounds))
