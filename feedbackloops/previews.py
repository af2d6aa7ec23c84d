"""What would be sent of a report that is not recorded: the event, the loops that want it, the body in both forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feedbackloops.models import FeedbackLoop, LoopStatus
from feedbackloops.protocol.payload import EventFacts, build, form, json_body
from profiles.models import Profile
from profiles.snapshots import enrichment
from tracking.models import Message
from tracking.outside import row_of
from tracking.reports import Report


@dataclass(frozen=True, slots=True)
class Preview:
    """An event that is not recorded, the fields of its POST, and the loops that it would go to."""

    report: Report
    fields: dict[str, Any]
    loops: Sequence[FeedbackLoop]

    @property
    def form(self) -> bytes:
        """The body for loops that get forms."""
        return form(self.fields)

    @property
    def json(self) -> bytes:
        """The body for loops that get JSON."""
        return json_body(self.fields)


def preview(report: Report, message: Message) -> Preview:
    """What would be sent of this report of the message, as things stand. Raises BadReport and django.db.Error."""
    row = row_of(report)
    facts = EventFacts(row.id, report.type, report.occurred_at, row.data, message.pk)
    profile = message.profile
    loops = FeedbackLoop.objects.filter(account=message.account_id).exclude(status=LoopStatus.DISABLED)
    wanting = [loop for loop in loops.order_by("pk") if loop.is_verified and _wants(loop, report.type, profile)]
    return Preview(report, build(facts, _snapshot(message, profile)), wanting)


def _snapshot(message: Message, profile: Profile | None) -> dict[str, Any]:
    known = {"recipient": message.recipient, "tags": list(message.tags)}
    return known | (enrichment(profile.pk, profile.database_id, profile.fields, profile.interests) if profile else {})


def _wants(loop: FeedbackLoop, type: str, profile: Profile | None) -> bool:
    databases = set(loop.databases.values_list("pk", flat=True))
    return type in loop.event_types and (not databases or (profile is not None and profile.database_id in databases))
