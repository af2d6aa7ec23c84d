"""Sending again what had come to its end: given up, cancelled, or delivered and lost by the customer."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now

from feedbackloops import signals
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, Resend
from tracking.ids import first_id_at

ENDED: Final = (DeliveryState.GIVEN_UP, DeliveryState.CANCELLED, DeliveryState.DELIVERED)
LOOKED_AT_ONCE: Final = 1000
MOST_COUNTED: Final = 100_000


def send_again(ids: Collection[UUID]) -> int:
    """Make these deliveries due now, with a whole schedule of attempts before them; how many that were.

    Those that are pending are left as they are.
    """
    if not ids:
        return 0
    ended = Delivery.objects.exclude(state=DeliveryState.PENDING).filter(pk__in=ids)
    with transaction.atomic():
        loops = set(ended.order_by().values_list("loop_id", flat=True))
        count = ended.update(state=DeliveryState.PENDING, next_attempt=Now(), attempts_before=F("attempts"))
        signals.lanes_due.send(None, loops=loops)
    return count


def chosen(loop: FeedbackLoop, since: datetime, until: datetime, states: Iterable[str]) -> QuerySet[Delivery]:
    """The loop's deliveries of events from `since` to before `until` that are in one of these states."""
    return _between(loop.pk, first_id_at(since), until).filter(state__in=list(states))


def count(deliveries: QuerySet[Delivery]) -> int | None:
    """How many these are; None where there are more than MOST_COUNTED."""
    number = deliveries.order_by()[: MOST_COUNTED + 1].count()
    return number if number <= MOST_COUNTED else None


def begin(loop: FeedbackLoop, since: datetime, until: datetime, states: Collection[str]) -> Resend:
    """Note that all of these are to be sent again; the caller goes on with it, as `ask_for_resend` has tasks do."""
    expected = count(chosen(loop, since, until, states))
    return Resend.objects.create(
        loop=loop, since=since, until=until, states=list(states), expected=expected, after=first_id_at(since)
    )


def ask_for_resend(loop: FeedbackLoop, since: datetime, until: datetime, states: Collection[str]) -> Resend:
    """Have all of these sent again, by tasks, from the moment on that this is committed."""
    resend = begin(loop, since, until, states)
    signals.resends_due.send(None, resends=[resend.pk])
    return resend


def go_on(resend: int) -> bool:
    """Send the next set of a resend again; whether there is more to do.

    How far it has come is written with the set, so that it is done once, whoever goes on after a crash.
    """
    with transaction.atomic():
        found = Resend.objects.select_for_update(skip_locked=True).filter(pk=resend, finished=None).first()
        if found is None:
            return False
        looked_at = list(
            _between(found.loop_id, found.after, found.until).order_by("id").values_list("id", "state")[:LOOKED_AT_ONCE]
        )
        found.count += send_again([id for id, state in looked_at if state in found.states])
        if len(looked_at) == LOOKED_AT_ONCE:
            found.after = looked_at[-1][0]
        else:
            found.finished = now()
        found.save(update_fields=["count", "after", "finished"])
    return found.finished is None


def unfinished() -> list[int]:
    """The resends that are under way, the oldest first."""
    return list(Resend.objects.filter(finished=None).order_by("id").values_list("id", flat=True))


def _between(loop: int, after: UUID, until: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(loop=loop, id__gt=after, id__lt=first_id_at(until))
