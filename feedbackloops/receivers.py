"""Who rings, and when: events recorded, a loop saved, tables migrated."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_migrate, post_save
from django.dispatch import receiver
from django.utils.timezone import now

from feedbackloops import doorbell
from feedbackloops.history import make_partitions
from feedbackloops.models import FeedbackLoop, LaneState
from tracking.signals import events_recorded


@receiver(events_recorded)
def ring_for_events(ids: Sequence[UUID], heard: bool = False, **kwargs: Any) -> None:
    """Have new events fanned out at once, unless somebody who watches the outbox does so."""
    if not heard:
        doorbell.ring_for_events(ids)


@receiver(post_save, sender=FeedbackLoop)
def follow_loop(instance: FeedbackLoop, created: bool, raw: bool, **kwargs: Any) -> None:
    """Give a new loop its lane; look for the file of one that is not verified; wake one that was resumed."""
    if raw:
        return
    if created:
        LaneState.objects.create(loop=instance)
    ring = doorbell.ring_for_lanes if instance.is_verified else doorbell.ring_for_looks
    transaction.on_commit(partial(ring, [instance.pk]), robust=True)


@receiver(post_migrate)
def make_first_partitions(app_config: AppConfig, **kwargs: Any) -> None:
    """Have partitions from the first day on."""
    if app_config.name == "feedbackloops":
        make_partitions(now().date())
