"""After a clock has jumped back: what is set for a moment further ahead than it can be, is set right.

Without that, what was owed, leased or put to rest while the clock was an hour ahead would wait for an hour. A retry
keeps its moment: how long its pause was is not written down.
"""

import logging

from django.conf import settings

from feedbackloops import queries
from feedbackloops.backlog import oldest_pending
from tracking.statements import run

logger = logging.getLogger(__name__)

# Clocks that are set by NTP are moved by less.
DIFFERENCE_SECONDS = 60.0


def mend() -> int:
    """Cut leases and rests to their greatest length, make due what was never tried; how many deliveries that were."""
    run(queries.CUT_LEASES, seconds=float(settings.LEASE_SECONDS), rests=float(settings.COOL_DOWN_MAX_SECONDS))
    rows = run(queries.MAKE_DUE, oldest=oldest_pending(), seconds=DIFFERENCE_SECONDS)
    if rows:
        logger.warning("The clock has jumped back; %d deliveries owed before that are due now", len(rows))
    return len(rows)
