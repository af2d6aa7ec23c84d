"""Loops in which no call succeeds: people are told after a day of trying, and after three days it is stopped.

What counts is time in which something waited and could be sent. Paused, unverified and stopped loops hold: their time
stands still.
"""

import logging
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from feedbackloops import notices
from feedbackloops.backlog import oldest_pending
from feedbackloops.models import LaneState, StopReason, Told
from feedbackloops.queries import OPEN, PENDING
from tracking.statements import run

logger = logging.getLogger(__name__)

WATCH_SECONDS: Final = 60.0
TOLD_AT_ONCE: Final = 100

# Where nobody watched for longer (a pause, a beat that was down) the time in between is not known to be one of trying.
_COUNT = f"""
UPDATE feedbackloops_lanestate s
SET watched = now(), failing_for = s.failing_for
    + greatest(0, least(%(most)s::float8, extract(epoch FROM now() - greatest(s.failing_since, s.watched))::float8))
FROM feedbackloops_feedbackloop l
WHERE l.id = s.loop_id AND s.failing_since IS NOT NULL AND {OPEN} AND {PENDING}
"""


def watch() -> int:
    """Count how long loops have failed; tell of those that do for too long, and stop them. How many were told of.

    Two that run at once count nothing twice, and tell each loop's story once.
    """
    run(_COUNT, most=2 * WATCH_SECONDS, oldest=oldest_pending())
    with transaction.atomic():
        found = list(_to_be_told_of())
        for lane in found:
            _tell(lane)
    return len(found)


def _to_be_told_of() -> QuerySet[LaneState]:
    failing = Q(failing_for__gte=settings.FAILING_MAIL_SECONDS, told="")
    overdue = Q(failing_for__gte=settings.FAILING_STOP_SECONDS, stopped=None)
    stopped = Q(stopped__isnull=False) & ~Q(told=Told.STOPPED)
    lanes = LaneState.objects.filter(failing | overdue | stopped).select_related("loop__account").order_by("loop")
    return lanes.select_for_update(skip_locked=True, of=("self",))[:TOLD_AT_ONCE]


def _tell(lane: LaneState) -> None:
    stop = lane.stopped is None and lane.failing_for >= settings.FAILING_STOP_SECONDS
    changes = {"stopped": Now(), "stop_reason": StopReason.FAILING} if stop else {}
    told = Told.STOPPED if stop or lane.stopped else Told.FAILING
    LaneState.objects.filter(pk=lane.pk).update(told=told, **changes)
    lane.refresh_from_db(fields=["stopped", "stop_reason"])
    for notice in notices.write(lane):
        notice.save()
    logger.warning("%s (loop %d)", notices.subject(lane), lane.pk)
