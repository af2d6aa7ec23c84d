"""The web process: tracking URLs go straight to tracking, everything else to Django and its middleware."""

import os
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

dashboard = get_asgi_application()

from marketingsuite import memory  # noqa: E402  (these need the apps that the line above loads)
from marketingsuite.bodies import Unusable, given, whole_body  # noqa: E402
from tracking.blocks import blocks  # noqa: E402
from tracking.intake import intake  # noqa: E402
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
        serve = tracking if scope["path"].startswith(PREFIXES) else _serve_dashboard
        return serve(scope, receive, send)
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
    while (await receive())["type"] != "lifespan.shutdown":
        blocks().start()
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
