"""The pixel and the redirect, as a bare ASGI app: they answer millions of times, and need neither session nor CSRF."""

import logging
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from time import time
from traceback import format_tb
from typing import Any, Final, NamedTuple

from django.conf import settings

from tracking.blocks import blocks
from tracking.hits import Hit, Visitor, hit_from
from tracking.ids import moment_of, new_id
from tracking.intake import intake
from tracking.privacy import privacy
from tracking.seen import HITS
from tracking.seldom import Seldom
from tracking.tokens import BadToken, Link, RetiredKey, location_header, read_click, read_open

logger = logging.getLogger(__name__)
_may_tell = Seldom()

# As the ASGI specification (3.0) has them.
Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

OPEN, CLICK = PREFIXES = ("/o/", "/c/")
PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
BAD_LINK = b"This link is not complete. Please open it from the mail again, or copy all of it.\n"
DEAD_LINK = b"This link has been switched off and no longer leads anywhere.\n"


class Answer(NamedTuple):
    """The two messages that an answer consists of. They are made once and sent again and again."""

    start: Message
    body: Message


def answer(status: int, content_type: bytes, body: bytes = b"", *headers: tuple[bytes, bytes]) -> Answer:
    """An answer that no cache keeps and no search engine lists."""
    all_headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store, private"),
        (b"x-robots-tag", b"noindex, nofollow"),
        *headers,
    ]
    start = {"type": "http.response.start", "status": status, "headers": all_headers}
    return Answer(start, {"type": "http.response.body", "body": body})


_PICTURE: Final = answer(200, b"image/gif", PIXEL)
_NOT_FOUND: Final = answer(404, b"text/plain; charset=utf-8", BAD_LINK)
_GONE: Final = answer(410, b"text/plain; charset=utf-8", DEAD_LINK)
_NOT_ALLOWED: Final = answer(405, b"text/plain", b"", (b"allow", b"GET, HEAD"))
_NO_BODY: Final[Message] = {"type": "http.response.body", "body": b""}


async def tracking(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a pixel or a link. The hit is kept before the answer goes out; HEAD is answered and makes no event.

    What is blocked, or was signed with a key that has retired, makes no hit: its pixel is a picture all the same, its
    links answer 410 and lead nowhere.
    """
    method = scope["method"]
    if method == "GET":
        link, (start, body) = _asked_for(scope["path"])
        if link:
            await keep(scope, link)
    elif method == "HEAD":
        link, (start, _) = _asked_for(scope["path"])
        body = _NO_BODY
        if link:
            _note_head(scope, link)
    else:
        start, body = _NOT_ALLOWED
    await send(start)
    await send(body)


def _note_head(scope: Scope, link: Link) -> None:
    with suppress(Exception):  # the answer is what matters
        if hit := _wanted(scope, link, None):
            intake().note_head(hit)


def _asked_for(path: str) -> tuple[Link | None, Answer]:
    name = path[len(OPEN) :]
    return _pixel(name) if path.startswith(OPEN) else _redirect(name)


def _pixel(name: str) -> tuple[Link | None, Answer]:
    # A mail shows a broken image for anything but a picture, so there is one whatever the token says.
    try:
        link = read_open(name.removesuffix(".gif"), settings.TRACKING_KEYS, time())
    except BadToken as error:
        logger.info("A pixel was asked for with a bad token: %s", error)
        return None, _PICTURE
    return None if blocks().current.blocks(link) else link, _PICTURE


def _redirect(token: str) -> tuple[Link | None, Answer]:
    try:
        link = read_click(token, settings.TRACKING_KEYS, time())
    except RetiredKey:
        return None, _GONE
    except BadToken as error:
        logger.info("A link was asked for with a bad token: %s", error)
        return None, _NOT_FOUND
    if blocks().current.blocks(link):
        return None, _GONE
    return link, answer(302, b"text/plain", b"", (b"location", location_header(link.url).encode("ascii")))


async def keep(scope: Scope, link: Link, type: str | None = None) -> bool:
    """Keep the hit that this request is, of the type that `hit_from` gives it by default; False when it could not be.

    What its recipient does not want to be seen is not kept. Raises nothing: whatever is wrong with us, the customer's
    link leads on.
    """
    try:
        hit = _wanted(scope, link, type)
        if hit is None:
            return True
        HITS[hit.type] += 1
        return await intake().take(hit)
    except Exception as error:
        _tell_of_fault(link, error)
        return False


def _tell_of_fault(link: Link, error: Exception) -> None:
    with suppress(Exception):  # the intake may be what is at fault
        intake().lose(datetime.now(UTC))
    if _may_tell():
        # The error's own words may hold what the client sent.
        trace = "".join(format_tb(error.__traceback__))
        logger.critical("A hit on message %s is lost: %s\n%s", link.message, type(error).__name__, trace)


def _wanted(scope: Scope, link: Link, type: str | None) -> Hit | None:
    """The hit as its recipient and its account want it, if they do."""
    hit, wishes = _hit(scope, link, type), privacy().current
    return None if wishes.refuse(hit.message, hit.type) else wishes.kept_of(hit)


def _hit(scope: Scope, link: Link, type: str | None) -> Hit:
    id = new_id()
    client = scope.get("client")
    visitor = Visitor(client[0] if client else "", scope["headers"])
    moment, proxies = moment_of(id), settings.TRUSTED_PROXIES
    return hit_from(visitor, link, id=id, occurred_at=moment, proxies=proxies, type=type)
