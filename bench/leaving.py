"""Having customers leave, so that nothing of theirs is under way when the next thing is measured."""

from collections.abc import Sequence

from django.utils.timezone import now

from feedbackloops.models import FeedbackLoop, LaneState, LoopStatus
from rig.customers import Customer
from rig.site import await_true
from tracking.models import Outbox

# Longer than a call may take and its outcome waits to be recorded, and than a lease lasts.
SECONDS = 90.0


def leave(customers: Sequence[Customer]) -> None:
    """Disable their loops, and wait until the last call has ended and nobody holds a lane of theirs.

    Events that wait to be fanned out are waited for as well. Raises TimeoutError.
    """
    FeedbackLoop.objects.filter(pk__in=_loops(customers)).update(status=LoopStatus.DISABLED)
    await_true(lambda: not Outbox.objects.exists(), "every event fanned out", SECONDS)
    await_given_back(customers)


def await_given_back(customers: Sequence[Customer]) -> None:
    """Wait until nobody holds a lane of theirs, as soon follows where nothing may be sent. Raises TimeoutError."""
    held = LaneState.objects.filter(loop__in=_loops(customers), engine__isnull=False)
    await_true(lambda: not held.filter(leased_until__gt=now()).exists(), "the lanes given back", SECONDS)


def _loops(customers: Sequence[Customer]) -> list[int]:
    return [loop.pk for each in customers for loop in each.loops]
