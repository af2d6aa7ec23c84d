"""The web process: tracking goes straight to tracking, probes to health, everything else to Django's middleware."""

import os
from asyncio import to_thread
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

dashboard = get_asgi_application()

from marketingsuite import memory  # noqa: E402  (these need the apps that the line above loads)
from marketingsuite.bodies import Unusable, given, whole_body  # noqa: E402
from marketingsuite.health import PATHS, health  # noqa: E402
from marketingsuite.vitals import parts  # noqa: E402
from tracking.blocks import blocks  # noqa: E402
from tracking.intake import intake  # noqa: E402
from tracking.unsubscribing import UNSUBSCRIBE, unsubscribing  # noqa: E402
from tracking.views import PREFIXES, Answer, Receive, Scope, Send, answer, tracking  # noqa: E402

# Not with the first hit: a spool that another process left behind must not wait for one.
intake()
memory.settle()

# Each request for the dashboard has a thread, and the thread a connection that it keeps. While PostgreSQL hangs, so do
# they: more would only wait as well.
_seats = [ThreadPoolExecutor(1, f"dashboard-{number}") for number in range(32)]
_BUSY = answer(503, b"text/plain", b"The dashboard is busy. Please try again in a moment.\n", (b"retry-after", b"5"))


def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """Serve one request, or the life of the process (ASGI 3.0)."""
    if scope["type"] == "http":
        path = scope["path"]
        if path.startswith(PREFIXES):
            return tracking(scope, receive, send)
        if path.startswith(UNSUBSCRIBE):
            return unsubscribing(scope, receive, send)
        return (health if path in PATHS else _serve_dashboard)(scope, receive, send)
    return _live(receive, send)


async def _serve_dashboard(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await whole_body(receive)
    except Unusable as unusable:
        await _say(unusable.answer, send)
        return
    if not _seats:
        await _say(_BUSY, send)
        return
    seat = _seats.pop()
    try:
        async with ThreadSensitiveContext(executor=seat):
            await dashboard(scope, given(body), send)
    finally:
        _seats.append(seat)


async def _say(words: Answer | None, send: Send) -> None:
    for message in words or ():
        await send(message)


async def _live(receive: Receive, send: Send) -> None:
    end = parts.begin_web()
    while (await receive())["type"] != "lifespan.shutdown":
        blocks().start()
        await send({"type": "lifespan.startup.complete"})
    # Its server ends the process without asking Python.
    await to_thread(end)
    await send({"type": "lifespan.shutdown.complete"})
