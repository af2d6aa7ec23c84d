"""What staff do to single deliveries that still wait: have them sent now, or take them back.

A call that is under way is not broken off, and how it ends decides: what the script has accepted is delivered, also
when it was cancelled meanwhile; a failure leaves it cancelled (see RECORD in queries.py).
"""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from feedbackloops import signals
from feedbackloops.models import Delivery, DeliveryState

# Rows that an engine is writing just now are free again within milliseconds.
_ROUNDS: Final = 5


def send_now(ids: Collection[UUID]) -> int:
    """Make those of these deliveries that are pending due now; how many that were. Their schedule stays as it is."""
    changed = _change(ids, next_attempt=Now())
    signals.lanes_due.send(None, loops=set(changed.values()))
    return len(changed)


def cancel(ids: Collection[UUID]) -> int:
    """Take back those of these deliveries that are pending; how many that were. No call of them starts any more."""
    return len(_change(ids, state=DeliveryState.CANCELLED))


def _change(ids: Collection[UUID], **values: Any) -> dict[UUID, int]:
    """The deliveries that were changed, with their loops."""
    changed: dict[UUID, int] = {}
    for _ in range(_ROUNDS):
        pending = Delivery.objects.filter(pk__in=set(ids) - changed.keys(), state=DeliveryState.PENDING).order_by()
        with transaction.atomic():
            # Engines lock sets of rows in an order of their own: who never waits for them is in no deadlock.
            free = dict(pending.select_for_update(skip_locked=True).values_list("pk", "loop_id"))
            Delivery.objects.filter(pk__in=free).update(**values)
        changed |= free
        if not pending.exclude(pk__in=free).exists():
            break
    return changed
