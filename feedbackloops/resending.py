"""Sending again what had come to its end: given up, cancelled, or delivered and lost by the customer."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from feedbackloops import doorbell
from feedbackloops.models import Delivery, DeliveryState


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
        transaction.on_commit(partial(doorbell.ring_for_lanes, loops), robust=True)
    return count
