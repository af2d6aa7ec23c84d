"""Upkeep of the history: partitions made ahead and dropped when they are old, counts summed up."""

import logging
from collections.abc import Mapping
from datetime import date, timedelta
from time import sleep

from django.conf import settings
from django.db import OperationalError, connection, transaction

from feedbackloops.queries import HOUR_OF_ID
from tracking import partitions
from tracking.accepted import forget_counts
from tracking.linksseen import forget_links

logger = logging.getLogger(__name__)

DELIVERIES = "feedbackloops_delivery"
TABLES = ("tracking_event", "feedbackloops_snapshot", DELIVERIES, "feedbackloops_attempt")
# Deliveries are a queue: rows die by the thousand, and the index of what is pending must not fill with dead ones.
STORAGE = {
    DELIVERIES: "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,"
    " autovacuum_vacuum_cost_delay = 0"
}
# What to keep of the rows that no day covers: a pending delivery, its event, its snapshot and its attempts.
_PENDING = f"SELECT 1 FROM {DELIVERIES}_default d WHERE d.state = 'pending'"
STILL_NEEDED = {
    "tracking_event": f"EXISTS ({_PENDING} AND d.event_id = tracking_event_default.id)",
    "feedbackloops_snapshot": f"EXISTS ({_PENDING} AND d.event_id = feedbackloops_snapshot_default.id)",
    DELIVERIES: "state = 'pending'",
    "feedbackloops_attempt": f"EXISTS ({_PENDING} AND d.id = feedbackloops_attempt_default.delivery_id)",
}
# Counts that are only added to, with what each of them is about.
ADDED_UP = {"feedbackloops_owedcount": "loop_id, hour", "feedbackloops_eventcount": "account_id, type, hour"}
SUM_UP_AFTER_HOURS = 2
# After each partition that goes, every connection plans its statements anew, and what waited for the lock goes first.
BREATH_SECONDS = 0.1

# The partitions that there are, by table and day.
Found = Mapping[str, Mapping[date, str]]


def make_partitions(today: date) -> None:
    """Have a partition for yesterday, today and the days ahead, in every table."""
    wanted = list(partitions.days(today - timedelta(days=1), settings.PARTITIONS_AHEAD_DAYS + 2))
    for table in TABLES:
        try:
            partitions.make(table, wanted, STORAGE.get(table, ""))
        except OperationalError as error:
            logger.warning("The partitions of %s are made within the hour, it is too busy now: %s", table, error)


def drop_old_partitions(today: date) -> None:
    """Drop each day that is older than HISTORY_DAYS, from every table, unless a delivery of it is still pending."""
    oldest = today - timedelta(days=settings.HISTORY_DAYS)
    _cancel_orphans()
    found = {table: partitions.existing(table) for table in TABLES}
    days = {day for existing in found.values() for day in existing if day < oldest}
    dropped = [_drop_day(day, found) for day in sorted(days)] + [_drop_leftovers(table, oldest) for table in TABLES]
    if any(dropped):
        _count_again(oldest)
    _forget_hours(oldest)
    forget_counts(oldest)
    forget_links(oldest)


def sum_up() -> int:
    """Make one row of the counts of each hour that is over, of each loop or account; how many rows went into them."""
    return sum(_sum_up(table, keys) for table, keys in ADDED_UP.items())


def _sum_up(table: str, keys: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SUM_UP.format(table=table, keys=keys), [SUM_UP_AFTER_HOURS])
        return int(cursor.fetchone()[0])


_SUM_UP = """
WITH gone AS (
    DELETE FROM {table} WHERE id IN (
        SELECT id FROM {table}
        WHERE ({keys}) IN (
            SELECT {keys} FROM {table} WHERE hour < now() - %s * interval '1 hour' GROUP BY {keys} HAVING count(*) > 1
        )
        FOR UPDATE SKIP LOCKED
    ) RETURNING {keys}, count
), summed AS (
    INSERT INTO {table} ({keys}, count) SELECT {keys}, sum(count) FROM gone GROUP BY {keys}
)
SELECT count(*) FROM gone
"""


def _cancel_orphans() -> None:
    """Cancel what is owed to loops that were deleted while it was being owed: nobody will ever send it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {DELIVERIES} d SET state = 'cancelled' WHERE state = 'pending'"
            " AND NOT EXISTS (SELECT 1 FROM feedbackloops_feedbackloop l WHERE l.id = d.loop_id)"
        )


def _count_again(before: date) -> None:
    """Have the counts of days that are over speak of what is still there: the others' deliveries were dropped."""
    low, _ = partitions.id_range(before)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_AGAIN, [before, low])


# One statement: a fan-out that commits meanwhile is in none of its two parts.
_COUNT_AGAIN = f"""
WITH gone AS (DELETE FROM feedbackloops_owedcount WHERE hour < %s)
INSERT INTO feedbackloops_owedcount (loop_id, hour, count)
SELECT loop_id, {HOUR_OF_ID}, count(*)
FROM {DELIVERIES} WHERE id < %s GROUP BY 1, 2
"""


def _forget_hours(before: date) -> None:
    with connection.cursor() as cursor:
        for table in ("feedbackloops_loophour", "feedbackloops_eventcount"):
            cursor.execute(f"DELETE FROM {table} WHERE hour < %s", [before])


def _has_pending(day: date) -> bool:
    low, high = partitions.id_range(day)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {DELIVERIES} WHERE state = 'pending' AND id >= %s AND id < %s)", [low, high]
        )
        return bool(cursor.fetchone()[0])


def _drop_day(day: date, found: Found) -> bool:
    """Drop what there is of a day, if nothing of it is pending; whether any of it went."""
    if _has_pending(day):
        logger.warning("The history of %s stays: deliveries of that day are still pending", day)
        return False
    dropped = [_drop_day_of(table, day) for table in TABLES if day in found[table]]
    return any(dropped)


def _drop_day_of(table: str, day: date) -> bool:
    try:
        partitions.drop(table, day)
    except OperationalError as error:
        logger.warning("%s of %s is dropped later, the table is too busy now: %s", table, day, error)
        return False
    sleep(BREATH_SECONDS)
    return True


def _drop_leftovers(table: str, oldest: date) -> bool:
    """Drop what a process that died had detached, and what no day covers; whether there was any."""
    detached = partitions.drop_detached(table)
    return bool(partitions.drop_uncovered(table, oldest, keep=STILL_NEEDED[table]) or detached)
