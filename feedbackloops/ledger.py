"""The ledger: per loop and day, what was owed against what is there; per day, accepted hits against events.

What is owed was counted by fan-outs, in the transactions that made the deliveries. A day's counts and rows are read by
one statement, so by one snapshot: it balances at any moment, however busy the system is.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils.timezone import now

from feedbackloops.models import Delivery, LedgerDay, LedgerLine, OwedCount, ParkedEvent
from feedbackloops.protocol.balance import Hits, Line, count_again
from tracking import partitions
from tracking.accepted import accepted_on, spooled_on
from tracking.hits import KINDS
from tracking.ids import moment_of
from tracking.models import Outbox

logger = logging.getLogger(__name__)

DAY: Final = timedelta(days=1)
DELIVERIES: Final = Delivery._meta.db_table

# The hot paths rule out what serves them badly, and serves a whole day well.
_PLANS: Final = "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on"
_LINES: Final = """
WITH owed AS (
    SELECT loop_id, sum(count)::bigint AS count FROM feedbackloops_owedcount
    WHERE hour >= %(start)s AND hour < %(end)s GROUP BY 1
), found AS (
    SELECT loop_id, max(account_id) AS account_id, count(*) FILTER (WHERE state = 'delivered') AS delivered,
        count(*) FILTER (WHERE state = 'pending') AS pending,
        count(*) FILTER (WHERE state = 'given_up') AS given_up,
        count(*) FILTER (WHERE state = 'cancelled') AS cancelled
    FROM feedbackloops_delivery WHERE id >= %(low)s AND id < %(high)s GROUP BY 1
)
SELECT loop_id, coalesce(found.account_id, l.account_id), coalesce(owed.count, 0), coalesce(delivered, 0),
    coalesce(pending, 0), coalesce(given_up, 0), coalesce(cancelled, 0)
FROM owed FULL JOIN found USING (loop_id) LEFT JOIN feedbackloops_feedbackloop l ON l.id = loop_id
ORDER BY loop_id
"""
# What was told from outside has a source, and was never a hit of ours.
_HITS: Final = """
SELECT count(*) FROM tracking_event
WHERE id >= %(low)s AND id < %(high)s AND type = ANY(%(kinds)s) AND NOT data ? 'source'
"""


@dataclass(frozen=True, slots=True)
class Aside:
    """Events that are owed to nobody yet: waiting for their fan-out, and parked."""

    waiting: int
    parked: int


def lines_of(day: date) -> list[Line]:
    """A line for each loop that was owed anything for the events of this day, or has deliveries of it."""
    return [Line(day, *row) for row in _rows(_LINES, day)]


def hits_of(days: Sequence[date]) -> Iterator[Hits]:
    """The hits of these days. Counts are read first, so that nothing that comes in meanwhile seems to be missing."""
    accepted = accepted_on(days)
    spooled = _spooled_here()
    for day in days:
        yield Hits(day, *accepted[day], spooled.get(day, 0), _rows(_HITS, day)[0][0])


def aside() -> Aside:
    """The events that wait, and those that were set aside."""
    return Aside(Outbox.objects.count(), ParkedEvent.objects.count())


def days_kept() -> list[date]:
    """The days that there may be anything of, the newest first."""
    owed = OwedCount.objects.order_by().values_list("hour__date", flat=True).distinct()
    today = now().astimezone(UTC).date()
    return sorted({*(day for day in _days_with_rows() if day <= today), *owed}, reverse=True)


def days_due(moment: datetime) -> list[date]:
    """The days that may have changed since they were counted, the newest first."""
    counted = dict(LedgerDay.objects.values_list("day", "counted"))
    open_days = set(LedgerLine.objects.filter(Q(pending__gt=0) | ~Q(missing=0)).values_list("day", flat=True))
    days = {day for day in _days_with_rows() if day <= moment.astimezone(UTC).date() or day in open_days}
    return [
        day
        for day in sorted(days, reverse=True)
        if count_again(day, now=moment, counted=counted.get(day), is_open=day in open_days)
    ]


def write(hits: Hits, lines: Sequence[Line]) -> None:
    """Keep what was counted of a day, for the dashboard."""
    moment = now()
    with transaction.atomic():
        # Its row makes whoever counts the same day wait.
        LedgerDay.objects.update_or_create(day=hits.day, defaults=asdict(hits) | {"counted": moment})
        LedgerLine.objects.filter(day=hits.day).delete()
        LedgerLine.objects.bulk_create([_row(line, moment) for line in lines])


def count(days: Sequence[date]) -> None:
    """Count these days one by one, and keep what was counted of each."""
    for hits in hits_of(days):
        write(hits, lines_of(hits.day))


def forget_gone() -> None:
    """Drop what was counted of days that there is nothing of any more."""
    days = days_kept()
    LedgerLine.objects.exclude(day__in=days).delete()
    LedgerDay.objects.exclude(day__in=days).delete()


def _spooled_here() -> Mapping[date, int]:
    try:
        return spooled_on()
    except OSError as error:
        logger.warning("The ledger leaves out what is spooled on this host: %s", error)
        return {}


def _row(line: Line, moment: datetime) -> LedgerLine:
    values = asdict(line)
    return LedgerLine(loop_id=values.pop("loop"), account_id=values.pop("account"), counted=moment, **values)


def _rows(query: str, day: date) -> list[tuple[Any, ...]]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    low, high = partitions.id_range(day)
    bounds: Mapping[str, Any] = {"start": start, "end": start + DAY, "low": low, "high": high, "kinds": list(KINDS)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PLANS)
        cursor.execute(query, bounds)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _days_with_rows() -> set[date]:
    """The days that have a partition, and those of the rows that no partition covers."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {DELIVERIES}_default")
        uncovered = {moment_of(id).date() for (id,) in cursor.fetchall()}
    return partitions.existing(DELIVERIES).keys() | uncovered
