"""How many hits were answered for, day by day (UTC): what the web processes counted, beside what is stored and spooled.

A hit is *accepted* when it has been stored or spooled and its answer goes out; it is *lost* when neither took it. Once
a day is over, every web process has told and no spool holds anything,

    accepted = events that came from hits

and at any moment `accepted <= events + spooled`, when they are read in this order: accepted_on(), spooled_on(), the
events. Less than accepted means that something was lost. More is no loss: hits under way, those that a killed process
stored and could not count any more, those that a slow disk took after they had been counted as lost, and up to a second
of counts that a machine without power took along.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from tracking import arrays
from tracking.models import HitCount
from tracking.spoolfiles import KEPT, hits_in, spool_files
from tracking.statements import run
from tracking.tally import DayCount


class Accepted(NamedTuple):
    """The hits of one day, of all hosts: answered and kept, answered and lost."""

    accepted: int
    lost: int


def accepted_on(days: Iterable[date]) -> dict[date, Accepted]:
    """What the web processes have told of these days; each of them told within the last second or two."""
    totals = {day: Accepted(0, 0) for day in days}
    rows = HitCount.objects.filter(day__in=list(totals)).values_list("day").annotate(Sum("accepted"), Sum("lost"))
    # Hits of people who were forgotten are taken off, also those that a killed process had not counted.
    return totals | {day: Accepted(max(0, accepted), lost) for day, accepted, lost in rows}


def spooled_on(folder: Path | None = None) -> dict[date, int]:
    """The hits of each day in this host's spool (`folder` instead of SPOOL_DIR): waiting, or refused by PostgreSQL.

    Days without any are left out, and so is what can't be read. Raises OSError.
    """
    files = [file for file in spool_files(folder or settings.SPOOL_DIR) if file.state in KEPT]
    return dict(Counter(hit.occurred_at.date() for file in files for hit in hits_in(file.path)))


_STORE = """
INSERT INTO tracking_hitcount (process, day, accepted, lost)
SELECT %(process)s, * FROM unnest(%(days)s::date[], %(accepted)s::bigint[], %(lost)s::bigint[])
ON CONFLICT (process, day) DO UPDATE
SET accepted = GREATEST(tracking_hitcount.accepted, excluded.accepted),
    lost = GREATEST(tracking_hitcount.lost, excluded.lost)
"""


def store_counts(process: UUID, counts: Iterable[DayCount]) -> None:
    """Store what a process has counted by now; again and again, in any order. Raises django.db.Error."""
    listed = list(counts)
    run(
        _STORE,
        process=process,
        days=arrays.words(date.fromordinal(count.day).isoformat() for count in listed),
        accepted=arrays.numbers(count.kept for count in listed),
        lost=arrays.numbers(count.lost for count in listed),
    )


def forget_counts(before: date) -> None:
    """Delete the counts of days that are no longer kept."""
    HitCount.objects.filter(day__lt=before).delete()
