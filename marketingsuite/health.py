"""What orchestrators and monitoring ask the web process: /livez, /readyz, /readyz/dashboard and /metrics.

Past Django, like tracking: no host name is checked, no session made, and a database that hangs holds up nobody.
"""

from collections.abc import Awaitable, Callable, Mapping
from secrets import compare_digest
from typing import Final

from django.conf import settings

from marketingsuite import probes
from marketingsuite.metrics import CONTENT_TYPE, exposition
from tracking.views import Answer, Receive, Scope, Send, answer

PLAIN: Final = b"text/plain; charset=utf-8"
_OK: Final = answer(200, PLAIN, b"ok\n")
_NOT_FOUND: Final = answer(404, PLAIN, b"There is nothing here.\n")
_NOT_ALLOWED: Final = answer(405, PLAIN, b"", (b"allow", b"GET, HEAD"))
_UNKNOWN: Final = answer(401, PLAIN, b"METRICS_TOKEN is asked for.\n", (b"www-authenticate", b"Bearer"))


async def health(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one of PATHS (ASGI 3.0)."""
    if scope["method"] not in ("GET", "HEAD"):
        start, body = _NOT_ALLOWED
    else:
        start, body = await PATHS[scope["path"]](scope)
    await send(start)
    await send(body if scope["method"] == "GET" else {"type": "http.response.body", "body": b""})


async def _live(scope: Scope) -> Answer:
    return _OK


async def _ready_for_dashboard(scope: Scope) -> Answer:
    found = await probes.dashboard()
    lines = "".join(f"{name}: {'ok' if is_there else 'failed'}\n" for name, is_there in found.items())
    return answer(200 if all(found.values()) else 503, PLAIN, lines.encode())


async def _metrics(scope: Scope) -> Answer:
    if not settings.METRICS_TOKEN:
        return _NOT_FOUND
    if not _is_known(scope):
        return _UNKNOWN
    return answer(200, CONTENT_TYPE.encode(), await exposition())


def _is_known(scope: Scope) -> bool:
    given = b"".join(value for name, value in scope["headers"] if name == b"authorization")
    return compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())


# Tracking is ready as soon as it answers: it needs neither the database nor the broker.
PATHS: Final[Mapping[str, Callable[[Scope], Awaitable[Answer]]]] = {
    "/livez": _live,
    "/readyz": _live,
    "/readyz/dashboard": _ready_for_dashboard,
    "/metrics": _metrics,
}
