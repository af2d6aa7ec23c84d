"""Who rings, and when: events recorded, a loop saved, work written down; and what is made with the tables."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_migrate, post_save
from django.dispatch import receiver
from django.utils.timezone import now

from feedbackloops import doorbell, signals
from feedbackloops.history import make_partitions
from feedbackloops.models import FeedbackLoop, LaneState
from tracking.signals import events_recorded

_What = TypeVar("_What")


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
    _on_commit(doorbell.ring_for_lanes if instance.is_verified else doorbell.ring_for_looks, [instance.pk])


@receiver(signals.lanes_due)
def ring_for_lanes(loops: Collection[int], **kwargs: Any) -> None:
    """Have an engine look at these lanes."""
    _on_commit(doorbell.ring_for_lanes, loops)


@receiver(signals.looks_due)
def ring_for_looks(loops: Collection[int], **kwargs: Any) -> None:
    """Have the verification files of these loops looked for."""
    _on_commit(doorbell.ring_for_looks, loops)


@receiver(signals.test_calls_due)
def ring_for_test_calls(ids: Collection[UUID], **kwargs: Any) -> None:
    """Have these test calls made."""
    _on_commit(doorbell.ring_for_test_calls, ids)


@receiver(signals.resends_due)
def ring_for_resends(resends: Collection[int], **kwargs: Any) -> None:
    """Have these resends gone on with."""
    _on_commit(doorbell.ring_for_resends, resends)


@receiver(signals.forgettings_due)
def ring_for_forgetting(orders: Collection[int], **kwargs: Any) -> None:
    """Have these people forgotten."""
    _on_commit(doorbell.ring_for_forgetting, orders)


def _on_commit(ring: Callable[[Collection[_What]], None], what: Collection[_What]) -> None:
    transaction.on_commit(partial(ring, what), robust=True)


@receiver(post_migrate)
def make_first_partitions(app_config: AppConfig, **kwargs: Any) -> None:
    """Have partitions from the first day on."""
    if app_config.name == "feedbackloops":
        make_partitions(now().date())
