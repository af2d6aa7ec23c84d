"""A loop's deliveries, listed as they come in, and what was sent again."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from access.reach import limit
from feedbackloops.admin.again import RIGHT
from feedbackloops.admin.sections.choice import FAILURES, Choice, Key, Which, choice_of
from feedbackloops.admin.sections.finding import find
from feedbackloops.admin.sections.testcalls import TestRow, tests_among
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import Delivery, DeliveryState, Resend
from feedbackloops.models.history import OUTCOMES
from feedbackloops.story.makers import ODD, label_of, verdicts_of
from feedbackloops.words import hold_of
from profiles.showing import related
from tracking.ids import moment_of
from tracking.models import Event, EventType, Message
from tracking.verdicts.rules import Verdict

RESENDS_SHOWN = 3
_EVENTS = Prefetch("event", Event.objects.only("type", "message"))
_RECIPIENTS = Prefetch("event__message", Message.objects.only("recipient"))


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery in the list. `type` and `recipient` are empty where the history no longer has them."""

    delivery: Delivery
    type: str
    recipient: str
    is_due: bool
    verdict: str = ""
    is_test: ClassVar = False

    @property
    def id(self) -> UUID:
        return self.delivery.pk

    @property
    def happened(self) -> datetime:
        return moment_of(self.delivery.pk)

    @property
    def is_odd(self) -> bool:
        """Whether it was not simply a person who made the event."""
        return self.verdict in ODD

    @property
    def is_waiting(self) -> bool:
        return self.delivery.state == DeliveryState.PENDING

    @property
    def may_be_sent(self) -> bool:
        """Whether sending it now makes sense: it waits, or it came to nothing."""
        return self.delivery.state != DeliveryState.DELIVERED


@dataclass(frozen=True, slots=True)
class Progress:
    """A resend and how far it is, in percent; None where nobody counted how many it would be."""

    resend: Resend
    percent: int | None


@dataclass(frozen=True, slots=True)
class Deliveries:
    """A page of the list, and the resends that were asked for last."""

    choice: Choice
    rows: list[Row | TestRow]
    older: Key | None
    looked_at: int
    reached: datetime | None
    hold: str
    resends: list[Progress]
    may_resend: bool

    @property
    def is_running(self) -> bool:
        """Whether something is being sent again at this moment."""
        return any(progress.resend.finished is None for progress in self.resends)

    @property
    def asked(self) -> str:
        """The part of an address that asks for this page."""
        return self.choice.query(self.choice.after)

    @property
    def query_of_older(self) -> str:
        """The part of an address that asks for the page behind this one."""
        return self.choice.query(self.older)

    @property
    def query_of_first(self) -> str:
        """The part of an address that asks for the start of the list."""
        return self.choice.query()

    @property
    def filters(self) -> list[tuple[str, str, list[tuple[str, str]], str]]:
        """The menus above the list: name, label, choices with their labels, what is chosen."""
        failures = [(value, str(label).capitalize()) for value, label in OUTCOMES if value in FAILURES]
        return [
            (
                "which",
                _("Where they stand"),
                [(each.value, str(each.label)) for each in Which],
                self.choice.which.value,
            ),
            ("outcome", _("Last outcome"), [("", _("Any")), *failures], self.choice.outcome),
            (
                "type",
                _("Event"),
                [("", _("Any")), *((each.value, str(each.label)) for each in EventType)],
                self.choice.type,
            ),
            (
                "made",
                _("Made by"),
                [("", _("Anybody")), *((each.value, label_of(each)) for each in Verdict)],
                self.choice.made,
            ),
        ]


def deliveries(visit: Visit) -> Deliveries | None:
    """The page of the list that the address asks for."""
    if not visit.may_see("delivery"):
        return None
    choice = choice_of(visit.request.GET)
    found = find(visit.loop.pk, choice)
    return Deliveries(
        choice=choice,
        rows=_with_tests(_rows(visit, found.ids), tests_among(visit, choice, found)),
        older=found.next,
        looked_at=found.looked_at,
        reached=moment_of(found.reached) if found.reached else None,
        hold=hold_of(visit.loop, visit.now),
        resends=[Progress(each, _percent(each)) for each in visit.loop.resends.all()[:RESENDS_SHOWN]],
        may_resend=visit.request.user.has_perm(RIGHT),
    )


def _rows(visit: Visit, ids: list[UUID]) -> list[Row]:
    shown = limit(Delivery.objects.filter(pk__in=ids, loop=visit.loop), visit.request.user)
    by_id = {each.pk: each for each in shown.order_by().prefetch_related(_EVENTS, _RECIPIENTS)}
    verdicts = verdicts_of(each.event_id for each in by_id.values())
    return [_row(by_id[id], visit.now, verdicts.get(by_id[id].event_id, "")) for id in ids if id in by_id]


def _with_tests(rows: list[Row], tests: list[TestRow]) -> list[Row | TestRow]:
    """Both, the newest first; the order of the queue stays as it is, since no test is in it."""
    both: list[Row | TestRow] = [*rows, *tests]
    return sorted(both, key=lambda row: row.id, reverse=True) if tests else both


def _row(delivery: Delivery, now: datetime, verdict: str) -> Row:
    event = related(delivery, "event")
    message = related(event, "message") if event else None
    type = event.get_type_display() if event else ""
    return Row(delivery, type, message.recipient if message else "", delivery.next_attempt <= now, verdict)


def _percent(resend: Resend) -> int | None:
    if resend.finished:
        return 100
    return min(99, 100 * resend.count // resend.expected) if resend.expected else None
