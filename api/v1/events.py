"""Events: what happened to mails and profiles, in the order in which it became known."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.timezone import now
from ninja import Query, Router
from pydantic import BaseModel, Field

from api.cursors import cursor, position_in
from api.feed import BEGINNING, Place, Wanted, events_after
from api.operations import account_in, posts, reads
from api.problems import invalid
from api.scopes import Scope
from api.shapes import MOST, Asked, Given, IdInPath, Line, Moment, Number
from api.v1.lists import read, the
from api.v1.messages import messages_of
from feedbackloops.models import Snapshot
from feedbackloops.protocol.payload import JUDGED, NAMES
from profiles.showing import related
from tracking.hits import CLICK, OPEN
from tracking.models import Event
from tracking.outside import record_reports, row_of
from tracking.reports import BadReport, Report

router = Router()

Type = Literal["click", "open", "delivery", "failure", "bounce", "abuse", "unsubscribe", "create", "update", "delete"]
Reported = Literal["click", "open", "delivery", "failure", "bounce", "abuse", "unsubscribe"]
# What an event itself tells beside the names that it is sent under: which link it was, and whether the mail was cut.
_BESIDES: Final = ("link", "mime_truncated")
_AHEAD: Final = timedelta(minutes=5)
SOURCE: Final = "api"


class EventOut(BaseModel):
    """An event. `data` has the names that feedback loops send it under."""

    id: UUID
    type: Type
    occurred: Moment = Field(description="When it happened.")
    recorded: Moment = Field(description="When it became known.")
    message: UUID | None
    recipient: str | None
    tags: list[str]
    webhook: int | None = Field(description="The number of the webhook by which a provider told of it.")
    data: dict[str, Any] = Field(
        description="Of opens and clicks, `verdict`, `reasons`, `first`, `client`, `os` and `device` among them, which "
        "are there some milliseconds after the event."
    )


class EventPage(BaseModel):
    """Events, in the order in which they became known."""

    items: list[EventOut]
    next: str = Field(description="Where to go on: now, or later, for what became known since. Never null.")
    more: bool = Field(description="Whether there is more by now. With filters, also a page without events may say so.")


class EventsAsked(Asked):
    """Which events."""

    type: list[Type] = Field([], description="Only events of these types.")
    message: UUID | None = Field(None, description="Only events of this message.")
    webhook: Number | None = Field(None, strict=False, description="Only events that came by this webhook.")


class EventIn(Given):
    """Something that happened to a message, as another system knows it."""

    message: UUID
    type: Reported
    occurred: Moment = Field(
        description="When it happened: with message, type and key it tells one event from another."
    )
    key: Line = Field("", description="What that system calls it: what is told twice with one key is one event.")
    data: dict[str, str | int] = Field({}, description="The fields of this type, as feedback loops send them.")


class EventsIn(Given):
    """One event, or up to 1,000."""

    events: list[EventIn] = Field(min_length=1, max_length=MOST)


class RecordedOut(BaseModel):
    """What became of one of the events."""

    id: UUID
    new: bool = Field(description="False where it was known before, or is not kept: its recipient refuses to be seen.")


class RecordedList(BaseModel):
    """What became of the events, in the order of the request."""

    items: list[RecordedOut]


@reads(router, "/events", Scope.EVENTS_READ, EventPage)
def list_events(request: HttpRequest, asked: Query[EventsAsked]) -> EventPage:
    """Read events, in the order in which they became known: what comes late is not skipped."""
    place = Place(*read(position_in, "events", asked.cursor)) if asked.cursor else BEGINNING
    wanted = Wanted(account_in(request).pk, asked.type, asked.message, asked.webhook)
    part = events_after(place, wanted, asked.size)
    judged = judged_of(part.events)
    items = [shape(event, judged.get(event.pk, {})) for event in part.events]
    return EventPage(items=items, next=cursor("events", *part.place), more=part.has_more)


@posts(router, "/events", Scope.EVENTS_WRITE, RecordedList, 201)
def record_events(request: HttpRequest, given: EventsIn) -> RecordedList:
    """Record events that another system knows of."""
    account = account_in(request)
    known = set(
        messages_of(account).filter(pk__in=[each.message for each in given.events]).values_list("pk", flat=True)
    )
    faults = [(number, problem) for number, each in enumerate(given.events) if (problem := _problem(each, known))]
    if faults:
        raise invalid([(f"body.events.{number}.{name}", words) for number, (name, words) in faults])
    reports = [_report(account.pk, each) for each in given.events]
    new = record_reports(_checked(reports))
    items = []
    for report in reports:
        items.append(RecordedOut(id=report.event, new=report.event in new))
        # Told twice in one request, it is known by the second time.
        new.discard(report.event)
    return RecordedList(items=items)


@reads(router, "/events/{event}", Scope.EVENTS_READ, EventOut)
def get_event(request: HttpRequest, event: IdInPath) -> EventOut:
    """See an event."""
    found = the(Event.objects.filter(account=account_in(request)), event)
    return shape(found, judged_of([found]).get(found.pk, {}))


def judged_of(events: Sequence[Event]) -> dict[UUID, dict[str, Any]]:
    """Who made the opens and clicks among these events, by id, in the names of the wire contract; in one question."""
    hits = [event.pk for event in events if event.type in (OPEN, CLICK)]
    rows = Snapshot.objects.filter(pk__in=hits).order_by().values_list("pk", "data") if hits else ()
    return {id: {name: data[name] for name in JUDGED if name in data} for id, data in rows}


def shape(event: Event, judged: Mapping[str, Any]) -> EventOut:
    """An event as it is told, with what `judged_of` says of it."""
    message = related(event, "message")
    # Accounts are compared once more, so that no row that went wrong elsewhere shows one account's data to another.
    own = message if message and message.account_id == event.account_id else None
    names, facts = (*NAMES.get(event.type, ()), *_BESIDES), {**judged, **event.data}
    return EventOut(
        id=event.pk,
        type=event.type,  # type: ignore[arg-type]  # of the types that there are
        occurred=event.occurred_at,
        recorded=event.recorded,
        message=event.message_id,
        recipient=own.recipient if own else None,
        tags=list(own.tags) if own else [],
        webhook=int(event.data["webhook"]) if "webhook" in event.data else None,
        data={name: facts[name] for name in names if name in facts},
    )


def _problem(each: EventIn, known: set[UUID]) -> tuple[str, str] | None:
    """Which part of an event can't be, and why."""
    if each.message not in known:
        return "message", "There is no such message."
    if each.occurred > now() + _AHEAD:
        return "occurred", "This is still to come: tell of it once it has happened."
    if each.occurred < _oldest():
        return "occurred", f"Events are kept for {settings.HISTORY_DAYS} days, and this is longer ago."
    return None


def _oldest() -> datetime:
    return now() - timedelta(days=settings.HISTORY_DAYS)


def _report(account: int, each: EventIn) -> Report:
    return Report(each.type, account, each.message, each.occurred, each.key, each.data, SOURCE)


def _checked(reports: list[Report]) -> list[Report]:
    """The reports. Raises Problem for those that can't become events; each is named."""
    faults = [(f"body.events.{number}.data", problem) for number, one in enumerate(reports) if (problem := _bad(one))]
    if faults:
        raise invalid(faults)
    return reports


def _bad(report: Report) -> str | None:
    try:
        row_of(report)
    except BadReport as error:
        return str(error)
    return None
