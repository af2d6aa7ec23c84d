"""The pixel and the redirect, as a bare WSGI app: they answer millions of times, and need neither session nor CSRF."""

import logging
from base64 import b64decode
from collections.abc import Iterable
from traceback import format_tb
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings

from tracking.hits import Hit, hit_from
from tracking.ids import moment_of, new_id
from tracking.intake import intake
from tracking.tokens import BadToken, Link, location_header, read_click, read_open

logger = logging.getLogger(__name__)

OPEN, CLICK = PREFIXES = ("/o/", "/c/")
PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
BAD_LINK = b"This link is not complete. Please open it from the mail again, or copy all of it.\n"
_ALWAYS = [("Cache-Control", "no-store, private"), ("X-Robots-Tag", "noindex, nofollow")]


def tracking(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a pixel or a link (PEP 3333). The hit is kept before the answer goes out; HEAD is answered, not kept."""
    method = environ["REQUEST_METHOD"]
    if method not in ("GET", "HEAD"):
        return _answer(start_response, "405 Method Not Allowed", b"", [("Allow", "GET, HEAD")], "text/plain")
    path = environ["PATH_INFO"]
    serve = _serve_pixel if path.startswith(OPEN) else _serve_link
    body = serve(environ, start_response, path[len(OPEN) :])
    return [b""] if method == "HEAD" else body


def _serve_pixel(environ: WSGIEnvironment, start_response: StartResponse, name: str) -> list[bytes]:
    # A mail shows a broken image for anything but a picture, so there is one whatever the token says.
    try:
        _keep(environ, read_open(name.removesuffix(".gif"), settings.TRACKING_KEYS))
    except BadToken as error:
        logger.info("A pixel was asked for with a bad token: %s", error)
    return _answer(start_response, "200 OK", PIXEL, [], "image/gif")


def _serve_link(environ: WSGIEnvironment, start_response: StartResponse, token: str) -> list[bytes]:
    try:
        link = read_click(token, settings.TRACKING_KEYS)
    except BadToken as error:
        logger.info("A link was asked for with a bad token: %s", error)
        return _answer(start_response, "404 Not Found", BAD_LINK, [], "text/plain; charset=utf-8")
    _keep(environ, link)
    return _answer(start_response, "302 Found", b"", [("Location", location_header(link.url))], "text/plain")


def _keep(environ: WSGIEnvironment, link: Link) -> None:
    if environ["REQUEST_METHOD"] != "GET":
        return
    try:
        intake().take(_hit(environ, link))
    except Exception as error:
        # Whatever is wrong with us, the customer's link leads on. The error's own words may hold what the client sent.
        trace = "".join(format_tb(error.__traceback__))
        logger.critical("A hit on message %s is lost: %s\n%s", link.message, type(error).__name__, trace)


def _hit(environ: WSGIEnvironment, link: Link) -> Hit:
    id = new_id()
    return hit_from(environ, link, id=id, occurred_at=moment_of(id), proxies=settings.TRUSTED_PROXIES)


def _answer(
    start_response: StartResponse, status: str, body: bytes, headers: list[tuple[str, str]], content_type: str
) -> list[bytes]:
    fixed = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response(status, fixed + _ALWAYS + headers)
    return [body]
