"""Hits, and ways to have them, for the tests of what becomes of them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from django.conf import settings

from marketingsuite.wsgi import application
from tracking.hits import Hit
from tracking.ids import moment_of, new_id
from tracking.tokens import Link, sign_click, sign_open

ACCOUNT = 7
MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NO_ACCOUNT = 2**63


class Answer(NamedTuple):
    """What the web process answered, and how long that took."""

    status: str
    headers: dict[str, str]
    body: bytes
    seconds: float


def make_hit(account: int = ACCOUNT, type: str = "open", **data: str | int) -> Hit:
    id = new_id()
    return Hit(id, type, account, MESSAGE, moment_of(id), {"ip": "192.0.2.1", **data})


def pixel_url() -> str:
    return f"/o/{sign_open(Link(ACCOUNT, MESSAGE, 0), settings.TRACKING_KEYS)}.gif"


def click_url(index: int = 1, target: str = "https://example.com/") -> str:
    return f"/c/{sign_click(Link(ACCOUNT, MESSAGE, index, target), settings.TRACKING_KEYS)}"


def request(url: str, method: str = "GET", **environ: Any) -> Answer:
    """One request to the web process's callable, by the rules of PEP 3333."""
    path = "/" + url.removeprefix(settings.TRACKING_URL).removeprefix("/")
    place = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    environ = {"REQUEST_METHOD": method, "REMOTE_ADDR": "198.51.100.7"} | place | environ
    setup_testing_defaults(environ)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        started.append((status, headers))
        return lambda data: None

    start = time.perf_counter()
    body = validator(application)(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        body.close()  # type: ignore[attr-defined]
    ((status, headers),) = started
    return Answer(status, dict(headers), content, time.perf_counter() - start)


def wait_until(happened: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for it; fail when it did not happen in that time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def now_in_milliseconds() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
