"""Deliveries, and the attempts that were made of them."""

from base64 import b64encode
from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import now
from ninja import Query, Router
from pydantic import BaseModel, Field

from api.operations import account_in, posts, program_in, reads
from api.problems import Problem, invalid
from api.scopes import Scope
from api.shapes import Asked, IdInPath, Moment, Number, Page
from api.v1.lists import by_id, the
from feedbackloops.changelog import note_program_hourly
from feedbackloops.models import Attempt, Delivery, FeedbackLoop
from feedbackloops.resending import send_again
from feedbackloops.steering import cancel, send_now
from feedbackloops.tracing import attempts_of
from tracking.ids import first_id_at

router = Router()

State = Literal["pending", "delivered", "given_up", "cancelled"]
_WAITS = "It is still waiting, so it was left as it is."
_ENDED = "It was not waiting any more, so it was left as it is."


class DeliveryOut(BaseModel):
    """An event that is owed to a loop."""

    id: UUID
    loop: int
    event: UUID
    state: State
    outcome: str = Field(description="Of the last attempt; empty before the first one.")
    attempts: int
    next_attempt: Moment | None = Field(description="When it is due; null once it has come to its end.")
    occurred: Moment = Field(description="When the event happened.")
    owed: Moment


class AttemptOut(BaseModel):
    """One call to a script."""

    id: UUID
    delivery: UUID | None
    loop: int
    number: int
    started: Moment
    outcome: str
    message: str
    status: int = Field(description="Of the answer; 0 where there was none.")
    address: str
    seconds: float = Field(description="How long it took, from the look-up of the name to the end of the answer.")
    head: str = Field(description="Status line and headers of an answer that was no success.")
    answer: str = Field(description="The first bytes of the answer, in base64.")


class HistoryAsked(Asked):
    """Which part of the history."""

    loop: Number | None = Field(default=None, strict=False, description="Only those of this loop.")
    since: Moment | None = Field(default=None, description="Only those of events from then on.")
    until: Moment | None = Field(default=None, description="Only those of events before.")


class DeliveriesAsked(HistoryAsked):
    """Which deliveries."""

    state: State | None = None
    event: UUID | None = Field(default=None, description="Only those of this event.")


class AttemptsAsked(HistoryAsked):
    """Which attempts."""

    delivery: UUID | None = Field(default=None, description="Only those of this delivery.")


@reads(router, "/deliveries", Scope.DELIVERIES_READ, Page[DeliveryOut])
def list_deliveries(request: HttpRequest, asked: Query[DeliveriesAsked]) -> Page[DeliveryOut]:
    """List deliveries, those of the newest events first."""
    rows = _part(Delivery.objects.filter(account=account_in(request)), asked)
    rows = rows.filter(state=asked.state) if asked.state else rows
    return by_id("deliveries", rows.filter(event=asked.event) if asked.event else rows, asked, _delivery)


@reads(router, "/deliveries/{delivery}", Scope.DELIVERIES_READ, DeliveryOut)
def get_delivery(request: HttpRequest, delivery: IdInPath) -> DeliveryOut:
    """See a delivery."""
    return _delivery(_the(request, delivery))


@posts(router, "/deliveries/{delivery}/send-again", Scope.DELIVERIES_WRITE, DeliveryOut, 202)
def send_delivery_again(request: HttpRequest, delivery: IdInPath) -> DeliveryOut:
    """Send a delivery again that has come to its end, with all attempts before it."""
    found = _the(request, delivery)
    if not send_again([found.pk]):
        raise Problem(409, _WAITS)
    return _noted(request, found, "Sent deliveries again.")


@posts(router, "/deliveries/{delivery}/send-now", Scope.DELIVERIES_WRITE, DeliveryOut, 202)
def send_delivery_now(request: HttpRequest, delivery: IdInPath) -> DeliveryOut:
    """Have the next attempt of a delivery that waits made now."""
    found = _the(request, delivery)
    if not send_now([found.pk]):
        raise Problem(409, _ENDED)
    return _noted(request, found, "Had deliveries sent now.")


@posts(router, "/deliveries/{delivery}/cancel", Scope.DELIVERIES_WRITE, DeliveryOut)
def cancel_delivery(request: HttpRequest, delivery: IdInPath) -> DeliveryOut:
    """Take back a delivery that waits. A call that is under way is not broken off."""
    found = _the(request, delivery)
    if not cancel([found.pk]):
        raise Problem(409, _ENDED)
    return _noted(request, found, "Cancelled deliveries.")


def _noted(request: HttpRequest, delivery: Delivery, words: str) -> DeliveryOut:
    """The delivery as it is now; that it was acted on is in its loop's history, if the loop is still there."""
    if FeedbackLoop.objects.filter(pk=delivery.loop_id).exists():
        note_program_hourly(delivery.loop_id, program_in(request), words, now())
    return _delivery(_the(request, delivery.pk))


@reads(router, "/deliveries/{delivery}/attempts", Scope.DELIVERIES_READ, Page[AttemptOut])
def list_attempts_of_delivery(request: HttpRequest, delivery: IdInPath, asked: Query[Asked]) -> Page[AttemptOut]:
    """List the attempts of a delivery."""
    ids = attempts_of([_the(request, delivery).pk])
    return by_id("attempts", Attempt.objects.filter(account=account_in(request), pk__in=ids), asked, _attempt)


@reads(router, "/attempts", Scope.DELIVERIES_READ, Page[AttemptOut])
def list_attempts(request: HttpRequest, asked: Query[AttemptsAsked]) -> Page[AttemptOut]:
    """List attempts, those of the newest events first."""
    rows = _part(Attempt.objects.filter(account=account_in(request)), asked)
    rows = rows.filter(pk__in=attempts_of([asked.delivery])) if asked.delivery else rows
    return by_id("attempts", rows, asked, _attempt)


@reads(router, "/attempts/{attempt}", Scope.DELIVERIES_READ, AttemptOut)
def get_attempt(request: HttpRequest, attempt: IdInPath) -> AttemptOut:
    """See an attempt."""
    return _attempt(the(Attempt.objects.filter(account=account_in(request)), attempt))


def _the(request: HttpRequest, id: UUID) -> Delivery:
    return the(Delivery.objects.filter(account=account_in(request)), id)


def _part(rows: QuerySet[Any], asked: HistoryAsked) -> QuerySet[Any]:
    """Those of a loop and of a stretch of time. Raises Problem for a moment that no id can have."""
    if asked.loop:
        rows = rows.filter(loop=asked.loop)
    for name, moment in (("since", asked.since), ("until", asked.until)):
        if moment is None:
            continue
        if not 1970 <= moment.year <= 9000:
            raise invalid([(f"query.{name}", "There is nothing of such a time.")])
        rows = rows.filter(**{"pk__gte" if name == "since" else "pk__lt": first_id_at(moment)})
    return rows


def _delivery(delivery: Delivery) -> DeliveryOut:
    waits = delivery.state == "pending"
    return DeliveryOut(
        id=delivery.pk,
        loop=delivery.loop_id,
        event=delivery.event_id,
        state=delivery.state,  # type: ignore[arg-type]  # of the states that there are
        outcome=delivery.outcome,
        attempts=delivery.attempts,
        next_attempt=delivery.next_attempt if waits else None,
        occurred=delivery.occurred_at,
        owed=delivery.owed,
    )


def _attempt(attempt: Attempt) -> AttemptOut:
    same = ("id", "number", "started", "outcome", "message", "status", "address", "head")
    values: dict[str, Any] = {name: getattr(attempt, name) for name in same}
    ids: dict[str, Any] = {"delivery": attempt.delivery_id, "loop": attempt.loop_id}
    return AttemptOut(**values, **ids, seconds=attempt.total, answer=b64encode(bytes(attempt.answer)).decode())
