"""The web process: tracking goes straight to tracking, probes to health, everything else to Django."""

import os
from asyncio import to_thread
from collections.abc import Awaitable

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

django = get_asgi_application()

from api.door import PREFIX as API  # noqa: E402  (these need the apps that the line above loads)
from esp.models import PREFIX as ESP  # noqa: E402
from marketingsuite import memory  # noqa: E402
from marketingsuite.health import PATHS, health  # noqa: E402
from marketingsuite.rooms import api_room, dashboard_room, esp_room  # noqa: E402
from marketingsuite.vitals import parts  # noqa: E402
from tracking.blocks import blocks  # noqa: E402
from tracking.intake import intake  # noqa: E402
from tracking.privacy import privacy  # noqa: E402
from tracking.standing import keep_fresh  # noqa: E402
from tracking.unsubscribing import UNSUBSCRIBE, unsubscribing  # noqa: E402
from tracking.views import PREFIXES, Receive, Scope, Send, tracking  # noqa: E402

# Not with the first hit: a spool that another process left behind must not wait for one.
intake()
memory.settle()

_dashboard_room, _rooms = dashboard_room(), {API: api_room(), ESP: esp_room()}


def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """Serve one request, or the life of the process (ASGI 3.0)."""
    if scope["type"] == "http":
        path = scope["path"]
        if path.startswith(PREFIXES):
            return tracking(scope, receive, send)
        if path.startswith(UNSUBSCRIBE):
            return unsubscribing(scope, receive, send)
        if path in PATHS:
            return health(scope, receive, send)
        room = next((room for prefix, room in _rooms.items() if path.startswith(prefix)), _dashboard_room)
        return room.serve(django, scope, receive, send)
    return _live(receive, send)


async def _live(receive: Receive, send: Send) -> None:
    intake().get_ready()
    end = parts.begin_web()
    while (await receive())["type"] != "lifespan.shutdown":
        keep_fresh([blocks(), privacy()])
        await send({"type": "lifespan.startup.complete"})
    # Its server ends the process without asking Python.
    await to_thread(end)
    await send({"type": "lifespan.shutdown.complete"})
