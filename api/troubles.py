"""Errors, as they are told to a program: each a problem, none with a trace."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelError
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from ninja.errors import HttpError
from ninja.errors import ValidationError as ShapeError

from api import problems
from api.problems import Problem

logger = logging.getLogger(__name__)

_AWAY: Final = "The database does not answer just now. Nothing was done; send the request again in a moment."
_CLASHES: Final = "The request does not fit what somebody else has changed just now. Look at it again."
_CRASHED: Final = "Something went wrong on our side, and was noted. Nothing was done."
_NOTHING: Final = "There is nothing at this address. /api/v1/docs lists what there is."
_TOO_LONG: Final = "The request is longer than is taken at once. Send it in parts."
_NO_JSON: Final = "The body is not JSON (RFC 8259), in UTF-8."


def problem_of(error: Exception) -> Problem:
    """What to tell of an error; what nobody expected goes to the log, and not to the client."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404):
        return Problem(HTTPStatus.NOT_FOUND, _NOTHING)
    if isinstance(error, ModelError):
        return problems.of_model(error)
    if isinstance(error, IntegrityError):
        return Problem(HTTPStatus.CONFLICT, _CLASHES)
    if isinstance(error, RequestDataTooBig):
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LONG)
    if isinstance(error, SuspiciousOperation | BadRequest):
        return Problem(HTTPStatus.BAD_REQUEST, "The request can't be understood.")
    return _of_shape(error) or _trouble(error)


def _trouble(error: Exception) -> Problem:
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("The API waits for PostgreSQL: %s", str(error).strip())
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, _AWAY, headers={"Retry-After": "5"})
    logger.error("A request of the API failed.", exc_info=error)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, _CRASHED)


def _of_shape(error: Exception) -> Problem | None:
    """What a request says that its model does not have, or that is no JSON at all."""
    if isinstance(error, HttpError):
        return Problem(error.status_code, _NO_JSON if error.status_code == HTTPStatus.BAD_REQUEST else str(error))
    if isinstance(error, ShapeError):
        return problems.invalid([_fault(each) for each in error.errors])
    return None


def _fault(error: Mapping[str, Any]) -> tuple[str, str]:
    place: Sequence[Any] = error["loc"]
    if place[0] == "body" or place[1:2] == ("asked",):
        # The second is what the handler calls it.
        place = [place[0], *place[2:]]
    words = str(error["msg"]).removeprefix("Value error, ")
    return ".".join(map(str, place)), words
