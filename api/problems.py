"""What went wrong, as a program reads it: problem details (RFC 9457)."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from django.core.exceptions import ValidationError as ModelError
from django.http import HttpResponse
from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE: Final = "application/problem+json"
# What one answer names of all that is wrong.
MOST_FAULTS: Final = 100


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="The part of the request, such as `body.messages.3.recipient`.")
    detail: str = Field(description="What is wrong with it, and what to do.")


class ProblemDetails(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="Always `about:blank`: the status says of what kind the problem is.")
    title: str = Field(description="The words of the status.")
    status: int
    detail: str = Field(description="What happened, and what to do.")
    errors: list[Fault] = Field(
        default=[], description=f"What is wrong with the request, where that can be said: the first {MOST_FAULTS}."
    )


class Problem(Exception):
    """Ends a request with a status and a sentence for whoever reads the answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, dict(headers or {})


NOT_FOUND: Final = "There is nothing of this account at this address."


def not_found() -> Problem:
    """What is not there, or is another account's."""
    return Problem(HTTPStatus.NOT_FOUND, NOT_FOUND)


def invalid(errors: Sequence[tuple[str, str]]) -> Problem:
    """What a request says that can't be: the parts of it, and why."""
    number = len(errors)
    what = "One thing in the request can't be as it is"
    if number > 1:
        what = f"{number:,} things in the request can't be as they are"
    which = "see errors" if number <= MOST_FAULTS else f"errors names the first {MOST_FAULTS}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{what}; {which}.", errors[:MOST_FAULTS])


def of_model(error: ModelError, place: str = "body") -> Problem:
    """What a model says about values that it can't have."""
    return invalid(list(_faults(error, place)))


def answer(problem: Problem) -> HttpResponse:
    """The response that tells of the problem."""
    status = int(problem.status)
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": problem.detail}
    faults = [{"where": where, "detail": detail} for where, detail in problem.errors]
    response = HttpResponse(
        orjson.dumps(_clean(body | ({"errors": faults} if faults else {}))), status=status, content_type=MEDIA_TYPE
    )
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def _faults(error: ModelError, place: str) -> Iterable[tuple[str, str]]:
    if not hasattr(error, "error_dict"):
        yield from ((place, words) for words in error.messages)
        return
    for name, errors in error.message_dict.items():
        where = place if name == "__all__" else f"{place}.{name}"
        yield from ((where, words) for words in errors)


def _clean(value: Any) -> Any:
    """The same without half surrogate pairs, which no JSON can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list) else value
