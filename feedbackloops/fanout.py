"""Events → deliveries: for a set of events, one transaction that keeps what we know and owes each loop its own."""

import logging
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db import InterfaceError, OperationalError, transaction

from feedbackloops.judging import NO_SNAPSHOT, LoadedEvent, Verdicts, verdicts_on, with_facts
from feedbackloops.matching import Wish, Wishes
from feedbackloops.models import ParkedEvent
from feedbackloops.queries import HOUR_OF_ID
from profiles.unsubscribing import unsubscribe
from tracking import arrays
from tracking.forgotten import are_forgotten, delete_events
from tracking.ids import derived_id
from tracking.models import EventType, Outbox
from tracking.ruling import judge
from tracking.statements import in_transaction, run
from tracking.steps import log_events

logger = logging.getLogger(__name__)

# Two fan-outs for one event: the row is locked by the first, and gone or skipped for the second. One look-up for each,
# since the planner would go through the whole table: few rows are in it, and many that are dead.
_TAKE = """
DELETE FROM tracking_outbox WHERE ctid = ANY(ARRAY(
    SELECT waiting.ctid FROM unnest(%(ids)s::uuid[]) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT ctid FROM tracking_outbox WHERE event_id = wanted.id FOR UPDATE SKIP LOCKED
    ) waiting
)) RETURNING event_id
"""

# Scanners go through the links of a mail in their order, so those around a link tell.
LINKS_NEAR = 50
_MS = "('x' || encode(uuid_send(e.id), 'hex'))::bit(48)::bigint"

# The accounts are compared once more, so that no row that went wrong elsewhere shows one account's data to another; in
# words that no index knows, lest the planner goes through an account's rows where one look-up by id does.
_TAKE_AND_LOAD = f"""
WITH taken AS ({_TAKE}), loaded AS (
SELECT e.id, e.type, e.account_id, coalesce(p.database_id, (e.data ->> 'database')::bigint),
    CASE WHEN m.id IS NULL THEN '{{}}' ELSE
        jsonb_build_object('recipient', m.recipient, 'tags', to_jsonb(m.tags))
        || CASE WHEN p.id IS NULL THEN '{{}}' ELSE jsonb_build_object(
            'profile', p.id, 'database', p.database_id, 'fields', p.fields, 'interests', to_jsonb(p.interests)
        ) END
    END::text,
    e.message_id, CASE WHEN e.type IN ('open', 'click') THEN e.data::text END, link.number, seen.first IS NOT NULL,
    coalesce(seen.last, 0), coalesce(seen.headed, 0), coalesce(seen.head_ip, ''),
    CASE WHEN e.type = 'click' THEN ARRAY(
        SELECT near.link FROM tracking_linkseen near
        WHERE near.message_id = e.message_id
            AND near.link BETWEEN link.number - {LINKS_NEAR} AND link.number + {LINKS_NEAR} AND near.link > 0
            AND near.last BETWEEN {_MS} - %(burst_ms)s AND {_MS} + %(burst_ms)s
    ) ELSE '{{}}' END
FROM taken JOIN tracking_event e
    ON e.id = taken.event_id AND e.id = ANY(%(ids)s::uuid[]) AND e.id BETWEEN %(first)s AND %(last)s
LEFT JOIN tracking_message m ON m.id = e.message_id AND m.account_id IS NOT DISTINCT FROM e.account_id
LEFT JOIN profiles_profile p ON p.id = m.profile_id AND p.account_id IS NOT DISTINCT FROM e.account_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.type = 'open' THEN 0
        WHEN e.type = 'click' AND jsonb_typeof(e.data -> 'link') = 'number' THEN (e.data -> 'link')::int END AS number
) link
LEFT JOIN tracking_linkseen seen ON seen.message_id = e.message_id AND seen.link = link.number
), counted AS (
    INSERT INTO feedbackloops_eventcount (account_id, type, hour, count)
    SELECT account_id, type, {HOUR_OF_ID}, count(*) FROM loaded GROUP BY 1, 2, 3
)
SELECT * FROM loaded
"""

_WISHES = """
SELECT l.id, l.account_id, l.event_types,
    ARRAY(SELECT database_id FROM feedbackloops_feedbackloop_databases WHERE feedbackloop_id = l.id), l.people_only
FROM feedbackloops_feedbackloop l
LEFT JOIN feedbackloops_lanestate s ON s.loop_id = l.id
WHERE l.account_id = ANY(%(accounts)s::bigint[])
    AND l.status <> 'disabled' AND l.verified_place <> '' AND s.stopped IS NULL
"""

# Owed is counted from the rows that were really inserted, so owing twice counts once. Which event is the first is known
# once its row is there: whoever comes second waits for it.
_OWE = f"""
WITH touched AS (
    INSERT INTO tracking_linkseen AS known (message_id, link, first, last)
    SELECT * FROM unnest(%(messages)s::uuid[], %(links)s::int[], %(firsts)s::uuid[], %(lasts)s::bigint[])
    ON CONFLICT (message_id, link) DO UPDATE
    SET first = coalesce(known.first, excluded.first), last = greatest(known.last, excluded.last)
    RETURNING first
), snapshots AS (
    INSERT INTO feedbackloops_snapshot (id, data)
    SELECT id, CASE WHEN id IN (SELECT first FROM touched WHERE first IS NOT NULL)
        THEN left(data, -1) || ',"first":1}}' ELSE data END::jsonb
    FROM unnest(%(events)s::uuid[], %(snapshots)s::text[]) AS kept (id, data)
    ON CONFLICT (id) DO NOTHING
), owed AS (
    INSERT INTO feedbackloops_delivery (id, event_id, loop_id, account_id, state, next_attempt)
    SELECT id, event_id, loop_id, account_id, 'pending', now()
    FROM unnest(%(ids)s::uuid[], %(event_ids)s::uuid[], %(loops)s::bigint[], %(accounts)s::bigint[])
        AS t (id, event_id, loop_id, account_id)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, loop_id
)
INSERT INTO feedbackloops_owedcount (loop_id, hour, count)
SELECT loop_id, {HOUR_OF_ID}, count(*)
FROM owed GROUP BY 1, 2
"""

# What was put there in the future was put there before the clock jumped back.
_WAITING = """
SELECT event_id FROM tracking_outbox
WHERE created NOT BETWEEN now() - %(seconds)s * interval '1 second' AND now() + interval '1 minute'
ORDER BY 1 LIMIT %(limit)s
"""


class Owed(NamedTuple):
    """A delivery to be."""

    id: UUID
    event: UUID
    loop: int
    account: int


def fan_out(ids: Sequence[UUID]) -> set[int]:
    """Owe the events' deliveries; the loops that got any.

    Events that another fan-out has, or has had, are passed over. A set that fails is halved; an event that fails alone
    is parked with its error. Raises OperationalError or InterfaceError when the database is away: nothing has changed.
    """
    try:
        # What a crash undoes here is still in the outbox, so it is done again, under the same ids.
        with in_transaction(commit_soon=True):
            return _fan_out(ids)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(ids) == 1:
            _park(ids[0], error)
            return set()
    middle = len(ids) // 2
    return fan_out(ids[:middle]) | fan_out(ids[middle:])


def waiting(limit: int, older_than: float) -> list[UUID]:
    """Up to `limit` events that have waited for a fan-out for `older_than` seconds, the oldest first."""
    return [id for (id,) in run(_WAITING, limit=limit, seconds=older_than)]


def unpark(ids: Sequence[UUID]) -> int:
    """Put parked events back where fan-out takes them from; how many there were."""
    with transaction.atomic():
        parked = ParkedEvent.objects.select_for_update(skip_locked=True).filter(event_id__in=ids)
        Outbox.objects.bulk_create([Outbox(event_id=each.event_id) for each in parked], ignore_conflicts=True)
        return ParkedEvent.objects.filter(event_id__in=[each.event_id for each in parked]).delete()[0]


def _fan_out(ids: Sequence[UUID]) -> set[int]:
    events = _still_known(_take(ids))
    if not events:
        return set()
    _unsubscribe(events)
    verdicts = verdicts_on(events)
    wanted = _wanted(events, verdicts)
    owed = [_owed(event, loop) for event, loops in wanted for loop in loops]
    if owed or verdicts.facts:
        _owe([event for event, _ in wanted], owed, verdicts)
    _log(events, owed)
    return {each.loop for each in owed}


def _still_known(events: list[LoadedEvent]) -> list[LoadedEvent]:
    """Without those of people who were forgotten, which are deleted: late hits, and what a spool had kept of them."""
    orphans = {event.message for event in events if event.message and event.snapshot == NO_SNAPSHOT}
    if not orphans or not (forgotten := are_forgotten(orphans)):
        return events
    delete_events([event.id for event in events if event.message in forgotten])
    return [event for event in events if event.message not in forgotten]


def _wanted(events: Sequence[LoadedEvent], verdicts: Verdicts) -> list[tuple[LoadedEvent, Sequence[int]]]:
    """The events that any loop wants, with those loops."""
    wishes = Wishes(_wishes({event.account for event in events}))
    machines = verdicts.machines
    found = (
        (event, wishes.loops_for(event.account, event.type, event.database, by_machine=event.id in machines))
        for event in events
    )
    return [(event, loops) for event, loops in found if loops]


def _unsubscribe(events: Sequence[LoadedEvent]) -> None:
    """Do to profiles what their databases have unsubscribes do: with the event's outbox row, all of it or nothing.

    The event itself tells of the profile as it stood before; the change makes an event of its own.
    """
    snapshots = [orjson.loads(event.snapshot) for event in events if event.type == EventType.UNSUBSCRIBE]
    if profiles := {snapshot["profile"] for snapshot in snapshots if "profile" in snapshot}:
        unsubscribe(profiles)


def _log(events: Sequence[LoadedEvent], owed: Sequence[Owed]) -> None:
    """Follow events on their way: at LOG_LEVEL=DEBUG, a line for each of them and of what is owed for it."""
    log_events(logger, "is fanned out", (event.id for event in events))
    if logger.isEnabledFor(logging.DEBUG):
        for each in owed:
            about = {"event": each.event, "loop": each.loop, "delivery": each.id}
            logger.debug("Event %s is owed to loop %d", each.event, each.loop, extra=about)


def _take(ids: Sequence[UUID]) -> list[LoadedEvent]:
    burst_ms = int(judge().limits.burst_seconds * 1000)
    rows = run(_TAKE_AND_LOAD, ids=arrays.ids(ids), first=min(ids), last=max(ids), burst_ms=burst_ms)
    return [LoadedEvent(*row) for row in rows]


def _wishes(accounts: set[int]) -> list[Wish]:
    rows = run(_WISHES, accounts=arrays.numbers(accounts))
    return [
        Wish(loop, account, frozenset(types), frozenset(databases), people_only)
        for loop, account, types, databases, people_only in rows
    ]


def _owed(event: LoadedEvent, loop: int) -> Owed:
    return Owed(derived_id(event.id, loop), event.id, loop, event.account)


def _owe(events: Sequence[LoadedEvent], owed: Sequence[Owed], verdicts: Verdicts) -> None:
    """Keep what is known of the events that are wanted, and of the others who made them; owe what is owed."""
    facts, touches = verdicts.facts, verdicts.touches
    snapshots = {event.id: with_facts(event.snapshot, facts.get(event.id)) for event in events}
    snapshots = {id: with_facts(NO_SNAPSHOT, each) for id, each in facts.items()} | snapshots
    run(
        _OWE,
        events=arrays.ids(snapshots),
        snapshots=arrays.texts(snapshots.values()),
        messages=arrays.ids(touch.message for touch in touches),
        links=arrays.numbers(touch.link for touch in touches),
        firsts=arrays.ids(touch.first for touch in touches),
        lasts=arrays.numbers(touch.last for touch in touches),
        ids=arrays.ids(each.id for each in owed),
        event_ids=arrays.ids(each.event for each in owed),
        loops=arrays.numbers(each.loop for each in owed),
        accounts=arrays.numbers(each.account for each in owed),
    )


def _park(id: UUID, error: Exception) -> None:
    logger.error("Event %s can't be fanned out; it is parked", id, exc_info=error, extra={"event": id})
    with transaction.atomic():
        if run(_TAKE, ids=arrays.ids([id])):
            reason = f"{type(error).__name__}: {error}".strip()[:2000]
            ParkedEvent.objects.update_or_create(event_id=id, defaults={"error": reason})
