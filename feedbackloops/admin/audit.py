"""Entries in the log of changes for what staff do to many at once. (What they do by forms, Django logs itself.)"""

from collections.abc import Collection
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import models
from django.db.models import Count
from django.http import HttpRequest

from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop


def log_change(request: HttpRequest, objects: Collection[models.Model], words: str) -> None:
    """Note who did this to each of these objects, which are of one model."""
    if objects:
        LogEntry.objects.log_actions(request.user.pk, list(objects), CHANGE, words)  # type: ignore[arg-type]


def ended_by_loop(deliveries: Collection[UUID]) -> dict[int, int]:
    """How many of these deliveries each loop has that are not pending."""
    ended = Delivery.objects.exclude(state=DeliveryState.PENDING).filter(pk__in=deliveries).order_by()
    return dict(ended.values_list("loop_id").annotate(Count("id")))


def log_sent_again(request: HttpRequest, counts: dict[int, int]) -> None:
    """Note with each loop how many of its deliveries were sent again."""
    for loop in FeedbackLoop.objects.filter(pk__in=counts):
        number = counts[loop.pk]
        log_change(request, [loop], f"Sent {number:,} {'delivery' if number == 1 else 'deliveries'} again.")
