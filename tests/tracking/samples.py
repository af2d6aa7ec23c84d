"""Hits, and ways to have them, for the tests of what becomes of them."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote
from uuid import UUID

import psycopg
import uvloop
from django.conf import settings
from django.db import connection

from marketingsuite.asgi import application
from tracking.hits import Hit
from tracking.ids import moment_of, new_id
from tracking.tokens import Link, sign_click, sign_open

ACCOUNT = 7
MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NO_ACCOUNT = 2**63
CLIENT = ("198.51.100.7", 50_000)

T = TypeVar("T")


class Answer(NamedTuple):
    """What the web process answered, and how long that took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


def make_hit(account: int = ACCOUNT, type: str = "open", **data: str | int) -> Hit:
    id = new_id()
    return Hit(id, type, account, MESSAGE, moment_of(id), {"ip": "192.0.2.1", **data})


def another_connection() -> psycopg.Connection:
    """A connection of somebody else's, who commits each statement."""
    own = connection.settings_dict
    address = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"]}
    return psycopg.connect(**address, password=own["PASSWORD"], dbname=own["NAME"], autocommit=True)


def pixel_url() -> str:
    return f"/o/{sign_open(Link(ACCOUNT, MESSAGE, 0), settings.TRACKING_KEYS)}.gif"


def click_url(index: int = 1, target: str = "https://example.com/") -> str:
    return f"/c/{sign_click(Link(ACCOUNT, MESSAGE, index, target), settings.TRACKING_KEYS)}"


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop that stands for the web process's, in a thread of its own."""
    loop = uvloop.new_event_loop()
    threading.Thread(target=loop.run_forever, name="web", daemon=True).start()
    return loop


def begin(work: Coroutine[Any, Any, T]) -> "Future[T]":
    """Have it run as the web process would run it."""
    return asyncio.run_coroutine_threadsafe(work, _loop())


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run it as the web process would, and wait for its end."""
    return begin(work).result(30)


async def all_of(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run them at the same time."""
    return list(await asyncio.gather(*works))


def request(url: str, method: str = "GET", **changes: Any) -> Answer:
    """One request to the web process's callable, by the rules of ASGI 3.0; `changes` go over what the scope has."""
    return in_loop(asked(url, method, **changes))


async def asked(url: str, method: str = "GET", body: bytes = b"", ends: bool = True, **changes: Any) -> Answer:
    """The same as a coroutine; of a body that does not end, no more comes."""
    sent: list[Mapping[str, Any]] = []
    messages = iter([{"type": "http.request", "body": body, "more_body": not ends}])

    async def receive() -> Mapping[str, Any]:
        if message := next(messages, None):
            return message
        if not ends:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    start = time.perf_counter()
    await application(scope_of(url, method) | changes, receive, send)
    seconds = time.perf_counter() - start
    (begun, *parts) = sent
    assert [part["type"] for part in parts] == ["http.response.body"] * len(parts)
    assert not parts[-1].get("more_body")
    headers = {name.decode("ascii").title(): value.decode("latin-1") for name, value in begun["headers"]}
    return Answer(begun["status"], headers, b"".join(part["body"] for part in parts), seconds)


def scope_of(url: str, method: str) -> dict[str, Any]:
    """What a server hands over for such a request."""
    path = "/" + url.removeprefix(settings.TRACKING_URL).removeprefix("/")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": CLIENT,
        "server": ("127.0.0.1", 8000),
    }


def wait_until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for it; fail when it did not happen in that time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def now_in_milliseconds() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
