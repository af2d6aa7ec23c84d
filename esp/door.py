"""The door for ESPs, before the middleware that browsers need: no session, no cookies, and a plain text for an answer.

Answers 2xx only once all that a call tells is recorded. What is answered otherwise, an ESP tells again, for hours.
"""

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.db import Error
from django.http import HttpRequest, HttpResponse

from esp.calls import Refused, answer_call, webhook_of
from esp.models import PREFIX, Webhook

logger = logging.getLogger(__name__)

_ADDRESS: Final = re.compile(rf"{PREFIX}([a-z_]{{1,20}})/([A-Za-z0-9_-]{{1,43}})/?", re.ASCII)
_AWAY: Final = (HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer just now. Nothing was recorded.")
_CRASHED: Final = (HTTPStatus.SERVICE_UNAVAILABLE, "Something went wrong on our side. Nothing was recorded.")
_NOTHING: Final = (HTTPStatus.NOT_FOUND, "There is nothing at this address.")
_METHOD: Final = (HTTPStatus.METHOD_NOT_ALLOWED, "This address takes POST only.")


class EspDoor:
    """Middleware that answers what ESPs call, and hands on all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self._get_response(request)
        try:
            return _plain(HTTPStatus.OK, _answered(request))
        except Refused as refused:
            return _refusal(refused)
        except Error as error:
            logger.warning("What an ESP tells waits for PostgreSQL: %s", str(error).strip())
            return _refusal(Refused(*_AWAY))
        except Exception:
            logger.exception("A call of an ESP failed.")
            return _refusal(Refused(*_CRASHED))


def _answered(request: HttpRequest) -> str:
    found = _ADDRESS.fullmatch(request.path_info)
    webhook = webhook_of(found[1], found[2]) if found else None
    if webhook is None:
        raise Refused(*_NOTHING)
    if request.method in ("GET", "HEAD"):
        # So some ask whether anybody is there, before they take an address.
        return "Events of mails are taken here.\n"
    if request.method != "POST":
        raise Refused(*_METHOD)
    return _taken(webhook, request)


def _taken(webhook: Webhook, request: HttpRequest) -> str:
    try:
        taken = answer_call(webhook, request)
    except Refused as refused:
        logger.warning("A call to webhook %d was refused (%d): %s", webhook.pk, refused.status, refused.words)
        raise
    return "Recorded.\n" if taken.recorded else "Acknowledged. Nothing new was recorded.\n"


def _refusal(refused: Refused) -> HttpResponse:
    response = _plain(refused.status, f"{refused.words}\n")
    if refused.login:
        response.headers["WWW-Authenticate"] = 'Basic realm="Events of mails", charset="UTF-8"'
    if refused.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "30"
    if refused.status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = "GET, HEAD, POST"
    return response


def _plain(status: HTTPStatus, words: str) -> HttpResponse:
    response = HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    # Django would log the address of what is refused, and that is a secret.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
