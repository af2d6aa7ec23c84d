"""What is done to feedback loops: verify, pause, resume, new secrets, send again."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

from django.http import HttpRequest
from django.utils.timezone import now
from ninja import Query, Router
from pydantic import BaseModel, Field

from api.operations import account_in, posts, program_in, reads
from api.problems import Problem, invalid
from api.scopes import Scope
from api.shapes import Asked, Given, Moment, NumberInPath, Page
from api.v1.lists import by_number, the
from api.v1.loops import LoopOut, shape, the_loop
from feedbackloops import resending
from feedbackloops.acts import ACTS
from feedbackloops.changelog import note_program, note_program_hourly
from feedbackloops.models import FeedbackLoop, Resend, VerificationLook
from feedbackloops.resending import ENDED
from feedbackloops.words import resend_words

router = Router()

Ended = Literal["given_up", "cancelled", "delivered"]
_TWO: Final = "Two secrets sign already. End that overlap first."
# No id is older.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class LookOut(BaseModel):
    """A look for the verification file, and what was seen."""

    id: int
    looked: Moment
    url: str
    found: bool
    problem: str
    message: str = Field(description="What is wrong, and what to do.")
    address: str
    status: int
    redirect: str


class Secrets(BaseModel):
    """What calls are signed with."""

    secret: str
    previous_secret: str | None = Field(description="Signs as well, until the overlap is ended.")


class ResendIn(Given):
    """What is to be sent again."""

    since: Moment = Field(description="Deliveries of events that happened from then on.")
    until: Moment | None = Field(default=None, description="And before this; without it, until now.")
    states: list[Ended] = Field(default=["given_up"], min_length=1, max_length=3, description="What they came to.")


class ResendOut(BaseModel):
    """Much that is sent again, and how far it has come."""

    id: int
    since: Moment
    until: Moment
    states: list[str]
    asked: Moment
    expected: int | None = Field(description="How many it was to be; null: too many to be counted.")
    count: int = Field(description="How many are on their way by now.")
    finished: Moment | None


def _act(name: str, request: HttpRequest, number: int) -> FeedbackLoop:
    """Do to the loop what a button of the dashboard does; the loop as it was found. Raises Problem."""
    loop = the_loop(request, number)
    for each in ACTS[name].do([loop], None).loops:
        note_program(each, program_in(request), str(ACTS[name].logged))
    return loop


@posts(router, "/loops/{loop}/verify", Scope.LOOPS_WRITE, LoopOut, 202)
def verify_loop(request: HttpRequest, loop: NumberInPath) -> LoopOut:
    """Have the verification file looked for, now and for another day."""
    _act("check_now", request, loop)
    return shape(the_loop(request, loop))


@reads(router, "/loops/{loop}/looks", Scope.LOOPS_READ, Page[LookOut])
def list_looks(request: HttpRequest, loop: NumberInPath, asked: Query[Asked]) -> Page[LookOut]:
    """List what was seen when the verification file was looked for; the last 20 looks are kept."""
    return by_number("looks", VerificationLook.objects.filter(loop=the_loop(request, loop)), asked, _look)


@posts(router, "/loops/{loop}/pause", Scope.LOOPS_WRITE, LoopOut)
def pause_loop(request: HttpRequest, loop: NumberInPath) -> LoopOut:
    """Hold what is owed to an active loop. Events are kept, and sent once it is resumed."""
    _act("pause", request, loop)
    return shape(the_loop(request, loop))


@posts(router, "/loops/{loop}/resume", Scope.LOOPS_WRITE, LoopOut)
def resume_loop(request: HttpRequest, loop: NumberInPath) -> LoopOut:
    """Make a loop active, also one that has stopped by itself; it starts afresh."""
    _act("resume", request, loop)
    return shape(the_loop(request, loop))


@posts(router, "/loops/{loop}/try-now", Scope.LOOPS_WRITE, LoopOut)
def try_loop_now(request: HttpRequest, loop: NumberInPath) -> LoopOut:
    """End the rest of a loop's script: what is due is sent now."""
    _act("try_now", request, loop)
    return shape(the_loop(request, loop))


@reads(router, "/loops/{loop}/secret", Scope.LOOPS_SECRET, Secrets)
def get_secret(request: HttpRequest, loop: NumberInPath) -> Secrets:
    """See what calls are signed with (Standard Webhooks)."""
    found = the_loop(request, loop)
    note_program_hourly(found.pk, program_in(request), "Looked at the signing secret.", now())
    return Secrets(secret=found.secret, previous_secret=found.previous_secret or None)


@posts(router, "/loops/{loop}/rotate-secret", Scope.LOOPS_WRITE, LoopOut)
def rotate_secret(request: HttpRequest, loop: NumberInPath) -> LoopOut:
    """Make a new secret. Calls carry signatures of both, until the overlap is ended."""
    found = the_loop(request, loop)
    if not found.rotate_secret(now()):
        raise Problem(409, _TWO)
    note_program(found, program_in(request), "Replaced the signing secret.")
    return shape(the_loop(request, loop))


@posts(router, "/loops/{loop}/end-overlap", Scope.LOOPS_WRITE, LoopOut)
def end_overlap(request: HttpRequest, loop: NumberInPath) -> LoopOut:
    """Sign with the new secret only, once the script knows it."""
    found = the_loop(request, loop)
    if found.end_overlap(now()):
        note_program(found, program_in(request), "Ended the overlap of the two secrets.")
    return shape(the_loop(request, loop))


@posts(router, "/loops/{loop}/resends", Scope.DELIVERIES_WRITE, ResendOut, 202)
def send_many_again(request: HttpRequest, loop: NumberInPath, given: ResendIn) -> ResendOut:
    """Send again all that has failed since a moment, or what else has come to its end."""
    found, until = the_loop(request, loop), min(given.until or now(), now())
    if given.since < _EPOCH or given.since >= until:
        raise invalid([("body.since", "It has to be after 1970, and before the end.")])
    states = [state for state in ENDED if state.value in given.states]
    resend = resending.ask_for_resend(found, given.since, until, states)
    note_program(found, program_in(request), f"Had sent again: {resend_words(resend)}")
    return _resend(resend)


@reads(router, "/loops/{loop}/resends", Scope.DELIVERIES_READ, Page[ResendOut])
def list_resends(request: HttpRequest, loop: NumberInPath, asked: Query[Asked]) -> Page[ResendOut]:
    """List what was sent again at once."""
    return by_number("resends", Resend.objects.filter(loop=the_loop(request, loop)), asked, _resend)


@reads(router, "/loops/{loop}/resends/{resend}", Scope.DELIVERIES_READ, ResendOut)
def get_resend(request: HttpRequest, loop: NumberInPath, resend: NumberInPath) -> ResendOut:
    """See how far it has come."""
    rows = Resend.objects.filter(loop=loop, loop__account=account_in(request))
    return _resend(the(rows, resend))


def _look(look: VerificationLook) -> LookOut:
    values: dict[str, Any] = {name: getattr(look, name) for name in LookOut.model_fields}
    return LookOut(**values)


def _resend(resend: Resend) -> ResendOut:
    values: dict[str, Any] = {name: getattr(resend, name) for name in ResendOut.model_fields if name != "states"}
    return ResendOut(**values, states=[str(state) for state in resend.states])
