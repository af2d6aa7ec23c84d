"""How many loops stand at once: sums of the counts, what waits, what came in last. Each is one statement."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from feedbackloops.backlog import oldest_pending
from feedbackloops.counting import Counts
from feedbackloops.protocol.latency import BUCKETS
from tracking.models import Event

# So many deliveries of a loop are counted, and so many of the last events looked at for those of some accounts.
MOST_WAITING: Final = 1_000
MOST_LOOKED_AT: Final = 5_000

# Loop by loop, since hours are found by their loop.
_HOURS: Final = f"""
SELECT h.hour, sum(h.delivered)::bigint, sum(h.failed)::bigint, sum(h.given_up)::bigint,
    {", ".join(f"coalesce(sum(h.latency[{place}]), 0)::bigint" for place in range(1, BUCKETS + 1))}
FROM unnest(%(loops)s::bigint[]) AS chosen (id)
JOIN feedbackloops_loophour h ON h.loop_id = chosen.id AND h.hour >= %(start)s AND h.hour < %(end)s
GROUP BY h.hour
"""
_EVENTS: Final = """
SELECT c.hour, c.type, sum(c.count)::bigint FROM unnest(%(accounts)s::bigint[]) AS chosen (id)
JOIN feedbackloops_eventcount c ON c.account_id = chosen.id AND c.hour >= %(start)s AND c.hour < %(end)s
GROUP BY 1, 2
"""
_WAITING: Final = f"""
SELECT chosen.id, waiting.number, first.due FROM unnest(%(loops)s::bigint[]) AS chosen (id)
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT FROM feedbackloops_delivery d
        WHERE d.loop_id = chosen.id AND d.state = 'pending' AND d.id >= %(oldest)s LIMIT {MOST_WAITING + 1}
    ) counted
) waiting
CROSS JOIN LATERAL (
    SELECT d.next_attempt AS due FROM feedbackloops_delivery d
    WHERE d.loop_id = chosen.id AND d.state = 'pending' AND d.id >= %(oldest)s ORDER BY d.next_attempt LIMIT 1
) first
"""
_LAST: Final = f"""
SELECT id, type, account_id, message_id, data, recorded FROM (
    SELECT * FROM tracking_event ORDER BY id DESC LIMIT {MOST_LOOKED_AT}
) latest WHERE account_id = ANY(%(accounts)s::bigint[]) ORDER BY id DESC LIMIT %(limit)s
"""


class Waiting(NamedTuple):
    """Deliveries that wait in a loop, counted up to MOST_WAITING, and when the first of them is or was due."""

    number: int
    due: datetime

    @property
    def is_more(self) -> bool:
        """Whether there are more than that."""
        return self.number > MOST_WAITING


def hours_of(loops: Collection[int], start: datetime, end: datetime) -> dict[datetime, Counts]:
    """What came of the calls to these loops together, for each hour (UTC) from `start` to before `end`; no `owed`."""
    rows = _rows(_HOURS, loops=list(loops), start=start, end=end)
    return {
        hour: Counts(0, delivered, failed, lost, tuple(latency)) for hour, delivered, failed, lost, *latency in rows
    }


def events_of(accounts: Collection[int], start: datetime, end: datetime) -> dict[tuple[datetime, str], int]:
    """How many events of these accounts happened, by hour (UTC) and type, from `start` to before `end`."""
    rows = _rows(_EVENTS, accounts=list(accounts), start=start, end=end)
    return {(hour, type): count for hour, type, count in rows}


def waiting_in(loops: Collection[int]) -> dict[int, Waiting]:
    """What waits in each of these loops; one in which nothing does is left out."""
    rows = _rows(_WAITING, loops=list(loops), oldest=oldest_pending())
    return {loop: Waiting(number, due) for loop, number, due in rows}


def last_events(accounts: Collection[int], limit: int) -> Sequence[Event]:
    """The newest events of these accounts, the newest first, as far as they are among the newest of all."""
    return list(Event.objects.raw(_LAST, {"accounts": list(accounts), "limit": limit}))


def events_in(account: int, start: datetime, end: datetime) -> dict[str, int]:
    """How many events of each type happened to an account, in hours from `start` to before `end`."""
    found: dict[str, int] = {}
    for (_, type), count in events_of([account], start, end).items():
        found[type] = found.get(type, 0) + count
    return found


def _rows(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
