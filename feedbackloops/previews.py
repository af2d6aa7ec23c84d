"""What would be sent of a report that is not recorded: the event, the loops that want it, and the call to each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedbackloops.calls import Contents, Script, call_for
from feedbackloops.models import FeedbackLoop, LoopStatus
from feedbackloops.protocol.payload import EventFacts
from feedbackloops.protocol.place import parse
from profiles.models import Profile
from profiles.snapshots import enrichment
from tracking.models import Message
from tracking.outside import row_of
from tracking.reports import Report


@dataclass(frozen=True, slots=True)
class Preview:
    """An event that is not recorded, what its calls would say, and the loops that it would go to."""

    report: Report
    contents: Contents
    loops: Sequence[FeedbackLoop]


def preview(report: Report, message: Message) -> Preview:
    """What would be sent of this report of the message, as things stand. Raises BadReport and django.db.Error."""
    row = row_of(report)
    facts = EventFacts(row.id, report.type, report.occurred_at, row.data, message.pk)
    profile = message.profile
    loops = FeedbackLoop.objects.filter(account=message.account_id).exclude(status=LoopStatus.DISABLED)
    wanting = [loop for loop in loops.order_by("pk") if loop.is_verified and _wants(loop, report.type, profile)]
    return Preview(report, Contents(facts, _snapshot(message, profile)), wanting)


def request_to(loop: FeedbackLoop, contents: Contents, now: datetime) -> tuple[str, str]:
    """Head and body of the first attempt at this loop, as it goes over the wire at `now`.

    Raises TypeError or ValueError, saying why the event can't be sent.
    """
    call = call_for(Script.from_loop(loop), contents, 1, now=now)
    lines = [f"POST {parse(call.url).request_target} HTTP/1.1", *(f"{name}: {value}" for name, value in call.headers)]
    return "\n".join(lines), (call.body or b"").decode()


def _snapshot(message: Message, profile: Profile | None) -> dict[str, Any]:
    known = {"recipient": message.recipient, "tags": list(message.tags)}
    return known | (enrichment(profile.pk, profile.database_id, profile.fields, profile.interests) if profile else {})


def _wants(loop: FeedbackLoop, type: str, profile: Profile | None) -> bool:
    databases = set(loop.databases.values_list("pk", flat=True))
    return type in loop.event_types and (not databases or (profile is not None and profile.database_id in databases))
