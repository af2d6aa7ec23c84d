"""Feedback loops: which events go to which script, and how."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from ninja import Query, Router
from pydantic import BaseModel, Field, StringConstraints

from api.operations import account_in, changes, posts, program_in, reads
from api.problems import Problem, invalid
from api.scopes import Scope
from api.shapes import Asked, Flag, Given, Moment, Name, Number, NumberInPath, Page
from api.v1.lists import by_number, the
from feedbackloops.changelog import TOLD, note_program, values_of
from feedbackloops.changelog import changed as changes_of
from feedbackloops.door import address_problem
from feedbackloops.models import Delivery, FeedbackLoop
from feedbackloops.protocol import challenge
from feedbackloops.protocol.place import url_problem
from feedbackloops.protocol.signing import dkim_record, generate_rsa_key
from feedbackloops.words import is_resting, is_stopped, lane_of
from profiles.models import Account, Database

router = Router()

Type = Literal["click", "open", "delivery", "failure", "bounce", "abuse", "unsubscribe", "create", "update", "delete"]
Format = Literal["form", "json"]
Status = Literal["active", "paused", "disabled"]
URL = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", max_length=2000)]
Contact = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]
InFlight = Annotated[int, Field(ge=1, le=1000, strict=True)]
Rate = Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", max_length=1000)]
LeftOut = Literal["recipient", "tags", "ip", "useragent", "referer", "fields", "interests", "mime"]
TYPES: Final = "Only these events are sent."
DATABASES: Final = "Only events about profiles in these; none: all events."
CONTACT: Final = "E-mail addresses that are told when the script fails for long; commas between them."
FIELDS: Final = "Only these fields of profiles and subprofiles are in the calls; none: all of them."
LEFT_OUT: Final = "What the calls leave out; `useragent` with client, os and device, `fields` with parameters."
PEOPLE: Final = "Whether opens and clicks that a machine made are left out."


class Lane(BaseModel):
    """How the sending goes."""

    stopped: Moment | None = Field(description="When it stopped by itself; resume the loop once its script is well.")
    stop_reason: str = Field(description="`gone`: it answered 410; `failing`: it failed for days; empty: not stopped.")
    resting_until: Moment | None = Field(description="The script gets a rest until then.")
    failing_since: Moment | None = Field(description="The first failure after the last success.")
    last_success: Moment | None
    last_trouble: str


class LoopOut(BaseModel):
    """A feedback loop."""

    id: int
    name: str
    url: str
    contact: str
    event_types: list[Type]
    databases: list[int]
    people_only: bool
    only_fields: list[str]
    left_out: list[LeftOut]
    body_format: Format
    status: Status
    in_flight_limit: int
    rate_limit: int | None
    rsa_key_id: str
    is_verified: bool = Field(description="Whether the place of the URL was proven; nothing is sent before.")
    verified: Moment | None
    verification_file: str
    verification_urls: list[str] = Field(description="Where the file may stand: one of them is enough.")
    two_secrets_sign: bool = Field(description="Whether the secret was replaced, and the one before it signs as well.")
    lane: Lane
    created: Moment
    modified: Moment


class LoopChange(Given):
    """What is to be changed of a loop; what is left out stays as it is."""

    name: Name = ""
    url: URL = ""
    event_types: list[Type] = Field(default=["open"], min_length=1, description=TYPES)
    databases: list[Number] = Field(default=[], max_length=1000, description=DATABASES)
    contact: Contact = Field(default="", description=CONTACT)
    people_only: Flag = Field(default=False, description=PEOPLE)
    only_fields: list[FieldName] = Field(default=[], max_length=1000, description=FIELDS)
    left_out: list[LeftOut] = Field(default=[], max_length=20, description=LEFT_OUT)
    body_format: Format = "form"
    status: Status = "active"
    in_flight_limit: InFlight = 20
    rate_limit: Rate | None = None


class LoopIn(LoopChange):
    """A loop to be made."""

    name: Name
    url: URL
    event_types: list[Type] = Field(min_length=1, description=TYPES)


class KeyIn(Given):
    """The key for scripts that check the Signature header."""

    key_id: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", max_length=255)] = Field(
        description="The DNS name of the TXT record that holds the public key."
    )
    private_key: Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", max_length=20_000)] | None = Field(
        default=None, description="PEM, RSA, 2048 to 4096 bits. Without it, a new key is made."
    )


class KeyOut(BaseModel):
    """What belongs into DNS."""

    key_id: str
    record: str = Field(description="The TXT record with the public key.")


_SAME: Final = LoopOut.model_fields.keys() - {"databases", "verification_urls", "two_secrets_sign", "lane"}


class LoopsAsked(Asked):
    """Which loops."""

    status: Status | None = None


@reads(router, "/loops", Scope.LOOPS_READ, Page[LoopOut])
def list_loops(request: HttpRequest, asked: Query[LoopsAsked]) -> Page[LoopOut]:
    """List feedback loops."""
    rows = loops_of(account_in(request)).select_related("lane").prefetch_related("databases")
    return by_number("loops", rows.filter(status=asked.status) if asked.status else rows, asked, shape)


@posts(router, "/loops", Scope.LOOPS_WRITE, LoopOut, 201)
def create_loop(request: HttpRequest, given: LoopIn) -> LoopOut:
    """Make a feedback loop. Its verification file is looked for at once, and then by itself for a day."""
    values = given.model_dump()
    databases = _own_databases(account_in(request), values.pop("databases"))
    loop = FeedbackLoop(account=account_in(request), **values)
    _insist_on_public(loop.url)
    loop.full_clean()
    loop.save(force_insert=True)
    loop.databases.set(databases)
    note_program(loop, program_in(request), "Made.")
    return shape(loop)


@reads(router, "/loops/{loop}", Scope.LOOPS_READ, LoopOut)
def get_loop(request: HttpRequest, loop: NumberInPath) -> LoopOut:
    """See a feedback loop."""
    return shape(the_loop(request, loop))


@changes(router, "PATCH", "/loops/{loop}", Scope.LOOPS_WRITE, LoopOut)
def change_loop(request: HttpRequest, loop: NumberInPath, given: LoopChange) -> LoopOut:
    """Change a feedback loop. A URL in another place has to be verified again; events are held meanwhile."""
    found = the_loop(request, loop, is_locked=True)
    values = given.model_dump(exclude_unset=True)
    databases = values.pop("databases", None)
    changed = {name: value for name, value in values.items() if getattr(found, name) != value}
    before = _told(found)
    for name, value in changed.items():
        setattr(found, name, value)
    if "url" in changed:
        _insist_on_public(found.url)
    if changed:
        found.full_clean()
        found.save(update_fields=set(changed))
    if databases is not None:
        found.databases.set(_own_databases(account_in(request), databases))
    after = _told(found)
    if differing := [name for name in before if before[name] != after[name]]:
        note_program(found, program_in(request), changes_of(values_of(differing, before, after)))
    return shape(the_loop(request, loop))


@changes(router, "DELETE", "/loops/{loop}", Scope.LOOPS_WRITE, None)
def delete_loop(request: HttpRequest, loop: NumberInPath) -> None:
    """Delete a feedback loop that was never owed anything. Any other is disabled by its status."""
    found = the_loop(request, loop, is_locked=True)
    if Delivery.objects.filter(loop=found).exists():
        raise Problem(409, "This loop has deliveries, which would be without it: set its status to disabled instead.")
    found.delete()


@reads(router, "/loops/{loop}/verification-file", Scope.LOOPS_READ, str)
def get_verification_file(request: HttpRequest, loop: NumberInPath) -> HttpResponse:
    """Get the verification file, to be placed as it is at one of the loop's verification URLs."""
    found = the_loop(request, loop)
    disposition = f'attachment; filename="{found.verification_file}"'
    headers = {"Content-Disposition": disposition}
    return HttpResponse(found.verification_content, content_type="text/plain", headers=headers)


@changes(router, "PUT", "/loops/{loop}/rsa-key", Scope.LOOPS_WRITE, KeyOut)
def set_rsa_key(request: HttpRequest, loop: NumberInPath, given: KeyIn) -> KeyOut:
    """Sign with an RSA key as well. It is stored encrypted, and never shown."""
    found = the_loop(request, loop, is_locked=True)
    found.rsa_key_id, found.rsa_private_key = given.key_id, given.private_key or generate_rsa_key()
    found.full_clean()
    found.save(update_fields=["rsa_key_id", "rsa_private_key"])
    note_program(found, program_in(request), "Set the RSA key.")
    return KeyOut(key_id=found.rsa_key_id, record=dkim_record(found.rsa_private_key))


@changes(router, "DELETE", "/loops/{loop}/rsa-key", Scope.LOOPS_WRITE, None)
def remove_rsa_key(request: HttpRequest, loop: NumberInPath) -> None:
    """Sign with the secret only."""
    found = the_loop(request, loop, is_locked=True)
    found.rsa_key_id = found.rsa_private_key = ""
    found.save(update_fields=["rsa_key_id", "rsa_private_key"])
    note_program(found, program_in(request), "Removed the RSA key.")


def _told(loop: FeedbackLoop) -> dict[str, Any]:
    """The loop's values as its history tells them."""
    own: dict[str, Any] = {name: getattr(loop, name) for name in TOLD - {"databases"}}
    return own | {"databases": list(loop.databases.order_by("pk"))}


def loops_of(account: Account) -> models.QuerySet[FeedbackLoop]:
    """The loops of an account."""
    return FeedbackLoop.objects.filter(account=account)


def the_loop(request: HttpRequest, number: int, *, is_locked: bool = False) -> FeedbackLoop:
    """The loop of the request's account with this number, for this transaction alone if asked. Raises Problem."""
    rows = loops_of(account_in(request))
    if is_locked:
        return the(rows.select_for_update(no_key=True), number)
    return the(rows.select_related("lane"), number)


def shape(loop: FeedbackLoop) -> LoopOut:
    """A loop as it is told."""
    values: dict[str, Any] = {name: getattr(loop, name) for name in _SAME}
    values |= {"body_format": str(loop.body_format), "status": str(loop.status)}
    return LoopOut(
        **values,
        databases=sorted(database.pk for database in loop.databases.all()),
        verification_urls=list(challenge.locations(loop.url, loop.verification_file)),
        two_secrets_sign=bool(loop.previous_secret),
        lane=_lane(loop),
    )


def _lane(loop: FeedbackLoop) -> Lane:
    lane = lane_of(loop)
    return Lane(
        stopped=lane.stopped,
        stop_reason=str(lane.stop_reason) if is_stopped(loop) else "",
        resting_until=lane.cooling_until if is_resting(lane, now()) else None,
        failing_since=lane.failing_since,
        last_success=lane.last_success,
        last_trouble=lane.last_trouble,
    )


def _own_databases(account: Account, numbers: Sequence[int]) -> list[Database]:
    found = Database.objects.filter(account=account).in_bulk(numbers)
    missing = [place for place, number in enumerate(numbers) if number not in found]
    if missing:
        raise invalid([(f"body.databases.{place}", "There is no such database.") for place in missing])
    return list(found.values())


def _insist_on_public(url: str) -> None:
    """Say at once what would otherwise be seen at the first look. What is not a URL, the model says."""
    if not url_problem(url) and (problem := address_problem(url)):
        words = f"The address in the URL is never called: {problem}. Enter a public server."
        raise invalid([("body.url", words)])
