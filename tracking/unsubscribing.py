"""The link to unsubscribe: a POST acts at once (RFC 8058), a GET shows a page with one button and changes nothing.

Like pixel and redirect it asks no server: the token says whose it is, and what was pressed is spooled while PostgreSQL
is away. What it does to the recipient's profile is done where its event is fanned out.

Each press is an event of its own. A recipient who came back may leave again by the same mail, which must not be taken
for a repetition; a press too many does a profile no harm, since setting what is set changes nothing.
"""

import asyncio
import logging
from io import BytesIO
from time import time
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.template.loader import render_to_string
from django.utils import translation

from tracking.blocks import blocks
from tracking.bodies import ClientGone, TooLong, gathered
from tracking.hits import UNSUBSCRIBE as EVENT
from tracking.tokens import BadToken, Link, RetiredKey, read_unsubscribe
from tracking.views import Answer, Receive, Scope, Send, answer, keep

logger = logging.getLogger(__name__)

UNSUBSCRIBE: Final = "/u/"
FIELD, VALUE = "List-Unsubscribe", "One-Click"
MOST_BYTES: Final = 16_384
BODY_SECONDS: Final = 10.0

_HTML: Final = b"text/html; charset=utf-8"
# Stands in the template.
_PROBE: Final = "Unsubscribe?"
_NO_BODY: Final = {"type": "http.response.body", "body": b""}
_LIMITS: Final = (
    # Styles stand in the page: it loads nothing, and is framed by nobody who would have the button pressed.
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_NOT_ALLOWED: Final = answer(405, b"text/plain", b"", (b"allow", b"GET, HEAD, POST"))


class Page(NamedTuple):
    """What a recipient is told: the status, and what the template calls it."""

    status: int
    name: str


ASK: Final = Page(200, "ask")
# A POST that doesn't say what RFC 8058 has it say: nothing is done, the button is offered.
ASK_AGAIN: Final = Page(400, "ask")
DONE: Final = Page(200, "done")
NOT_FOUND: Final = Page(404, "unknown")
GONE: Final = Page(410, "gone")
NOT_KEPT: Final = Page(503, "not_kept")


async def unsubscribing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the link to unsubscribe (ASGI 3.0). Only a POST is kept, before its answer goes out."""
    method = scope["method"]
    if method == "POST":
        page = await _post(scope, receive)
    else:
        page = _asked_for(scope["path"])[1] if method in ("GET", "HEAD") else None
    if page is None and method == "POST":
        return
    start, body = _answer(page, scope) if page else _NOT_ALLOWED
    await send(start)
    await send(_NO_BODY if method == "HEAD" else body)


async def _post(scope: Scope, receive: Receive) -> Page | None:
    """What to say; None when nobody is there to hear it."""
    link, page = _asked_for(scope["path"])
    if link is None:
        return page
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await gathered(receive, MOST_BYTES)
    except ClientGone:
        return None
    except (TimeoutError, TooLong):
        return ASK_AGAIN
    if not _is_one_click(_header(scope, b"content-type"), body):
        return ASK_AGAIN
    return DONE if await keep(scope, link, EVENT) else NOT_KEPT


def _asked_for(path: str) -> tuple[Link | None, Page]:
    try:
        link = read_unsubscribe(path[len(UNSUBSCRIBE) :], settings.TRACKING_KEYS, time())
    except RetiredKey:
        return None, GONE
    except BadToken as error:
        logger.info("A link to unsubscribe was asked for with a bad token: %s", error)
        return None, NOT_FOUND
    return (None, GONE) if blocks().current.blocks(link) else (link, ASK)


def _is_one_click(content_type: str, body: bytes) -> bool:
    """Whether the form, in either encoding that RFC 8058 (section 3.1) has, says so."""
    try:
        if content_type.lower().startswith("multipart/form-data"):
            form = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": len(body)}
            posted, _ = MultiPartParser(form, BytesIO(body), []).parse()
            return VALUE in posted.getlist(FIELD)
        return VALUE in parse_qs(body.decode("ascii")).get(FIELD, ())
    except (ValueError, MultiPartParserError, SuspiciousOperation):
        return False


def _answer(page: Page, scope: Scope) -> Answer:
    language = _language(_header(scope, b"accept-language"))
    with translation.override(language):
        html = render_to_string("tracking/unsubscribe.html", {"page": page.name, "field": FIELD, "value": VALUE})
    headers = [*_LIMITS, (b"content-language", language.encode("ascii"))]
    if page is NOT_KEPT:
        headers.append((b"retry-after", b"60"))
    return answer(page.status, _HTML, html.encode(), *headers)


def _language(accepted: str) -> str:
    """The language that the reader likes best, if the page is translated into it."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    language = translation.get_language_from_request(request)
    with translation.override(language):
        # Django knows languages that we have no words in.
        return language if translation.gettext(_PROBE) != _PROBE else settings.LANGUAGE_CODE


def _header(scope: Scope, wanted: bytes) -> str:
    value: bytes = next((value for name, value in scope["headers"] if name == wanted), b"")
    return value.decode("latin-1")
