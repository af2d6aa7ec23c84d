"""Overlaps of signing secrets that have lasted long enough."""

import logging
from datetime import datetime, timedelta

from feedbackloops.models import FeedbackLoop

logger = logging.getLogger(__name__)


def end_overlaps(now: datetime, days: int) -> int:
    """Let loops whose secret was rotated that many days ago sign with the new one only; how many. 0 days: none."""
    if not days:
        return 0
    old = FeedbackLoop.objects.exclude(previous_secret="").filter(secret_rotated__lte=now - timedelta(days=days))
    ended = old.update(previous_secret="", modified=now)
    if ended:
        logger.info("%d loops sign with their new secret only, %d days after it was made.", ended, days)
    return ended
