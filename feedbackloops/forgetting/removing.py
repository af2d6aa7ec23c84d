"""Deleting events with all that came of them, a set at a time: what is left of a set still leads to its rest."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from feedbackloops.models import Attempt, Delivery, DeliveryState, Forgetting, ParkedEvent, Snapshot
from feedbackloops.queries import HOUR_OF_ID
from feedbackloops.tracing import attempts_of, deliveries_of
from tracking import arrays
from tracking.forgotten import delete_events
from tracking.models import Event, Outbox
from tracking.statements import run

_LOGGED: Final[tuple[type[Model], ...]] = (Event, Delivery, Attempt, ParkedEvent)
# What was owed is counted apart, and is now owed no more: the ledger speaks of what is there.
_DELETE_DELIVERIES: Final = f"""
WITH gone AS (DELETE FROM feedbackloops_delivery WHERE id = ANY(%(ids)s::uuid[]) RETURNING id, loop_id),
counted AS (
    INSERT INTO feedbackloops_owedcount (loop_id, hour, count)
    SELECT loop_id, {HOUR_OF_ID}, -count(*) FROM gone GROUP BY 1, 2
)
SELECT count(*) FROM gone
"""


class Busy(Exception):
    """Somebody else is writing one of the rows: nothing was done, and in a moment it can be."""


def remove_events(order: Forgetting, ids: Collection[UUID], moment: datetime) -> None:
    """Delete these events, their deliveries, attempts and snapshots, and count that in the order.

    In the caller's transaction. Waits for nobody, so that nobody deadlocks: raises Busy.
    """
    _lock(Outbox, "event_id", ids)
    deliveries = deliveries_of(ids) if ids else []
    _lock(Delivery, "id", deliveries)
    attempts = attempts_of(deliveries) if deliveries else []
    _note_under_way(order, deliveries, moment)
    order.count(acts=_forget_acts([*ids, *deliveries, *attempts]))
    order.count(attempts=_delete(Attempt, attempts), snapshots=_delete(Snapshot, ids), parked=_delete(ParkedEvent, ids))
    _delete(Outbox, ids)
    order.count(deliveries=run(_DELETE_DELIVERIES, ids=arrays.ids(deliveries))[0][0], events=delete_events(ids))


def remove_late_attempts(order: Forgetting) -> None:
    """Delete what was recorded of calls that were under way when their deliveries went. In the caller's transaction."""
    attempts = attempts_of(order.under_way) if order.under_way else []
    order.count(acts=_forget_acts(attempts), attempts=_delete(Attempt, attempts))
    order.under_way = []


def _note_under_way(order: Forgetting, deliveries: Collection[UUID], moment: datetime) -> None:
    # What staff have cancelled meanwhile may be under way as well.
    states = [DeliveryState.PENDING, DeliveryState.CANCELLED]
    called = Delivery.objects.filter(pk__in=deliveries, state__in=states, next_attempt__lte=moment)
    if waiting := list(called.order_by().values_list("pk", flat=True)):
        order.under_way = [*order.under_way, *waiting]
        order.under_way_until = moment + longest_call()


def longest_call() -> timedelta:
    """From the claim of a delivery until its attempt is recorded, at the most."""
    return timedelta(seconds=2 * settings.ANSWER_SECONDS + 15)


def _lock(model: Any, column: str, ids: Collection[UUID]) -> None:
    rows = model.objects.filter(**{f"{column}__in": ids}).order_by()
    free = rows.select_for_update(skip_locked=True).values_list(column, flat=True)
    if ids and len(free) < rows.count():
        raise Busy


def _delete(model: Any, ids: Collection[UUID]) -> int:
    return int(model.objects.filter(pk__in=ids).order_by()._raw_delete("default")) if ids else 0


def acts_on(ids: Collection[UUID]) -> QuerySet[LogEntry]:
    """The log's entries on these events, deliveries, attempts and parked events."""
    kinds = [ContentType.objects.get_for_model(model).pk for model in _LOGGED]
    return LogEntry.objects.filter(content_type_id__in=kinds, object_id__in=[str(id) for id in ids])


def _forget_acts(ids: Collection[UUID]) -> int:
    return acts_on(ids).delete()[0]
