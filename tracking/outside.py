"""Reports → events, in sets: the one door for what is told from outside."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from tracking.reports import Report, checked
from tracking.signals import events_recorded
from tracking.store import EventRow, store_new_events


def record_reports(reports: Sequence[Report]) -> set[UUID]:
    """Store an event for each report, in one statement, and tell of them once that is committed.

    The ids of the events that are new: what was reported before stays as it is. All or none: raises BadReport for one
    that can't be an event, and django.db.Error when the database is away, so that the sender tries again.
    """
    rows = [row_of(report) for report in reports]
    new = store_new_events(rows)
    if new:
        tell = partial(events_recorded.send_robust, sender=record_reports, ids=sorted(new))
        transaction.on_commit(tell, robust=True)
    return new


def row_of(report: Report) -> EventRow:
    """The report as it is stored. Raises BadReport."""
    data = checked(report.type, report.data)
    if report.source:
        data["source"] = report.source
    return EventRow(report.event, report.type, report.account, report.message, data)
