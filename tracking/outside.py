"""Reports → events, in sets: the one door for what is told from outside."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from profiles.models import Account, IPAddresses
from tracking.hits import CLICK, OPEN
from tracking.models import Refusal
from tracking.reports import Report, checked
from tracking.shortening import kept_address
from tracking.signals import events_recorded
from tracking.store import EventRow, store_new_events


def record_reports(reports: Sequence[Report]) -> set[UUID]:
    """Store an event for each report, in one statement, and tell of them once that is committed.

    The ids of the events that are new: what was reported before stays as it is, and what a recipient does not want to
    be seen is left out. All or none: raises BadReport for one
    that can't be an event, and django.db.Error when the database is away, so that the sender tries again.
    """
    rows = _as_wished([row_of(report) for report in reports])
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
    if report.webhook:
        # A text, as whatever a list's address asks for.
        data["webhook"] = str(report.webhook)
    return EventRow(report.event, report.type, report.account, report.message, data)


def _as_wished(rows: Sequence[EventRow]) -> list[EventRow]:
    """Without the opens and clicks that are not to be seen, and with as much of each address as its account keeps."""
    seen = {row.message for row in rows if row.type in (OPEN, CLICK) and row.message}
    refused = set(Refusal.objects.filter(pk__in=seen, refused=True).values_list("pk", flat=True)) if seen else set()
    accounts = {row.account for row in rows if "ip" in row.data}
    some = Account.objects.filter(pk__in=accounts).exclude(ip_addresses=IPAddresses.WHOLE) if accounts else ()
    keeping = {account.pk: account.ip_addresses for account in some}
    wanted = [row for row in rows if row.type not in (OPEN, CLICK) or row.message not in refused]
    return [_kept_of(row, keeping[row.account]) if row.account in keeping else row for row in wanted]


def _kept_of(row: EventRow, keeping: str) -> EventRow:
    address = kept_address(str(row.data.get("ip", "")), keeping)
    rest = {name: value for name, value in row.data.items() if name != "ip"}
    return row._replace(data=rest | ({"ip": address} if address else {}))
