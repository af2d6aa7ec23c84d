"""What a test call sent and what came back, as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedbackloops.admin.testbench.words import TONES, sender_of, title_of, words_of
from feedbackloops.causes import Cause, cause_of
from feedbackloops.models import BodyFormat, Stage, TestCall
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.protocol.payload import JSON_TYPE
from feedbackloops.protocol.place import parse
from feedbackloops.story.answers import AnswerShown, answer_shown
from feedbackloops.story.bar import Part, bar_of
from feedbackloops.story.bodies import BodyShown, body_shown
from feedbackloops.story.trail import head_of
from feedbackloops.testcalls import KEPT_OF_ANSWER

# What is said of these beyond the outcome is about deliveries, which are tried again.
_SAID_ALREADY = (Outcome.THROTTLED, Outcome.GONE)


@dataclass(frozen=True, slots=True)
class Line:
    """A test call in a list."""

    call: TestCall
    stage: Stage
    title: str
    words: str
    sender: str

    @property
    def tone(self) -> str:
        """One of the tones in history.css."""
        return TONES.get(self.stage, "new")

    @property
    def is_waiting(self) -> bool:
        """Whether its end is still to come."""
        return self.stage in (Stage.WAITING, Stage.UNDER_WAY)


@dataclass(frozen=True, slots=True)
class Result:
    """A test call with all that belongs to it. `request`: the first line of what was sent; empty where nothing was."""

    line: Line
    cause: Cause | None
    parts: list[Part]
    request: str
    body: BodyShown | None
    status: str
    head: list[tuple[str, str]]
    answer: AnswerShown | None


def line_of(call: TestCall, now: datetime) -> Line:
    """The call at this moment."""
    return Line(call, call.stage(now), title_of(call, now), words_of(call, now), sender_of(call))


def lines_of(calls: Sequence[TestCall], now: datetime) -> list[Line]:
    """The calls at this moment."""
    return [line_of(call, now) for call in calls]


def result_of(call: TestCall, now: datetime) -> Result:
    """All about a call."""
    line, attempt = line_of(call, now), call.as_attempt
    is_told = line.stage is Stage.FAILED and call.headers and call.outcome not in _SAID_ALREADY
    return Result(
        line=line,
        cause=cause_of(attempt) if is_told else None,
        parts=bar_of(attempt),
        request=f"POST {parse(call.url).request_target} HTTP/1.1" if call.url else "",
        body=_body(call) if call.headers else None,
        status=call.head.partition("\n")[0],
        head=head_of(call.head),
        answer=answer_shown(call.answer, KEPT_OF_ANSWER) if call.answer else None,
    )


def _body(call: TestCall) -> BodyShown:
    is_json = [value for name, value in call.headers if name == "Content-Type"] == [JSON_TYPE]
    return body_shown(bytes(call.body), call.fields, BodyFormat.JSON if is_json else BodyFormat.FORM)
