"""Test calls: a sample event, or one with fields of the program's own, sent to a loop's script for real."""

from base64 import b64encode
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import BaseModel, Field

from api.operations import posts, program_in, reads
from api.problems import Problem, invalid
from api.scopes import Scope
from api.shapes import Asked, Given, IdInPath, Moment, NumberInPath, Page
from api.v1.lists import by_id, the
from api.v1.loops import Type, the_loop
from feedbackloops import testcalls
from feedbackloops.changelog import note_program
from feedbackloops.draftwords import fault_words
from feedbackloops.models import BodyFormat, FeedbackLoop, TestCall
from feedbackloops.protocol import drafts

router = Router()

LONGEST_NAME: Final = 80
_UNVERIFIED: Final = "Nothing was sent: the place of this loop's URL is not verified."
_BUSY: Final = "A test call to this loop is under way already."


class TestIn(Given):
    """What a test call tells of."""

    event_type: Type | None = Field(
        None, description="Any type, also one that the loop does not send. Without it, the first that it sends."
    )
    fields: dict[str, Any] | None = Field(
        None,
        description="All fields of the call, by the names that loops send them under, 128 KiB of JSON at the most; "
        "without it, a sample. `type`, `timestamp`, `time` and `event` are set when the call is made: they may stand "
        "here, as in a call that was copied, and are not sent.",
    )


class TestOut(BaseModel):
    """A test call: a sample event, signed and sent for real, that counts nowhere."""

    id: UUID
    stage: str = Field(description="`waiting`, `under way`, `accepted`, `failed` or `lost`.")
    event_type: str
    asked: Moment
    ended: Moment | None
    outcome: str
    message: str
    status: int = Field(description="Of the answer; 0 where there was none.")
    seconds: float


class TestSeen(TestOut):
    """A test call with all that was sent and answered."""

    fields: dict[str, Any]
    url: str = Field(description="Where it went; empty, as all that follows, where nothing was sent.")
    headers: dict[str, str]
    body: str
    head: str = Field(description="Status line and headers of the answer, but for cookies.")
    answer: str = Field(description="The first bytes of the answer, in base64.")
    is_cut: bool = Field(description="Whether the answer was longer.")


_SAMPLE: Final = TestIn(event_type=None, fields=None)


@posts(router, "/loops/{loop}/test", Scope.LOOPS_WRITE, TestOut, 202)
def send_test_call(request: HttpRequest, loop: NumberInPath, given: TestIn = _SAMPLE) -> TestOut:
    """Send a test call. What comes of it can be asked for a moment later."""
    found = the_loop(request, loop)
    type = given.event_type or found.event_types[0]
    fields = None if given.fields is None else _sound(request, found, type, given.fields)
    if not found.is_verified:
        raise Problem(409, _UNVERIFIED)
    try:
        made = testcalls.ask_for_call(found, None, type, fields)
    except testcalls.Busy as error:
        raise Problem(409, _BUSY, headers={"Retry-After": "15"}) from error
    note_program(found, program_in(request), _("Sent a test call (%(type)s).") % {"type": type})
    return _shape(made)


@reads(router, "/loops/{loop}/tests", Scope.LOOPS_READ, Page[TestOut])
def list_tests(request: HttpRequest, loop: NumberInPath, asked: Query[Asked]) -> Page[TestOut]:
    """List test calls, the newest first; the last 50 are kept."""
    return by_id("tests", TestCall.objects.of(the_loop(request, loop)), asked, _shape)


@reads(router, "/loops/{loop}/tests/{test}", Scope.LOOPS_READ, TestSeen)
def get_test(request: HttpRequest, loop: NumberInPath, test: IdInPath) -> TestSeen:
    """See what came of a test call: the request as it was sent, and the answer."""
    call = the(TestCall.objects.filter(loop=the_loop(request, loop)), test)
    return TestSeen(
        **_shape(call).model_dump(),
        fields=call.fields,
        url=call.url,
        headers=dict(call.headers),
        body=bytes(call.body).decode(),
        head=call.head,
        answer=b64encode(call.answer).decode(),
        is_cut=call.is_cut,
    )


def _sound(request: HttpRequest, loop: FeedbackLoop, type: str, given: dict[str, Any]) -> dict[str, Any]:
    """The fields, as the test bench lets them through. Raises Problem, with all that keeps them from being sent."""
    try:
        # Once more, by a reader that tells of names that stand there twice.
        drafts.parsed(request.body.decode())
    except drafts.Unreadable as error:
        raise invalid([("body", fault_words(error.problem))]) from error
    fields, wrong = drafts.read_fields(given, type)
    wrong += drafts.problems(type, fields, is_form=loop.body_format != BodyFormat.JSON)
    if wrong:
        raise invalid([(_place(each.field), fault_words(each)) for each in wrong])
    return fields


def _place(name: str) -> str:
    return f"body.fields.{name[:LONGEST_NAME]}" if name else "body.fields"


def _shape(call: TestCall) -> TestOut:
    same = ("id", "event_type", "asked", "ended", "outcome", "message", "status")
    values: dict[str, Any] = {name: getattr(call, name) for name in same}
    return TestOut(**values, stage=call.stage(now()).value, seconds=call.total)
