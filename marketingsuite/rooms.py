"""Where requests wait for Django: dashboard, API and ESPs have threads of their own, so none keeps another out.

Each request has a thread, and the thread a connection that it keeps. While PostgreSQL hangs, so do they: more would
only wait as well.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final

import orjson
from asgiref.sync import ThreadSensitiveContext
from django.conf import settings

from marketingsuite import errorpages
from marketingsuite.bodies import Unusable, given, whole_body
from tracking.views import Answer, Receive, Scope, Send, answer

App = Callable[[Any, Any, Any], Awaitable[None]]
Say = Callable[[HTTPStatus], Answer]

DASHBOARD_SEATS: Final = 32
API_SEATS: Final = 16
ESP_SEATS: Final = 8
# Of a form.
DASHBOARD_BYTES: Final = 2_621_440
_RETRY: Final = (b"retry-after", b"5")
_API: Final = {
    HTTPStatus.REQUEST_TIMEOUT: "The request did not come through in time. Send it again.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is longer than is taken at once. Send it in parts.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The API is busy. Nothing was done; send the request again in a moment.",
}
_ESP: Final = {
    HTTPStatus.REQUEST_TIMEOUT: b"The call did not come through in time. Make it again.\n",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: b"That is more than is taken at once. Send it in parts.\n",
    HTTPStatus.SERVICE_UNAVAILABLE: b"Others are being answered. Nothing was recorded; make the call again.\n",
}


class Room:
    """The seats for requests of one kind, what they may bring, and how those are told that find none."""

    def __init__(self, name: str, seats: int, most: Callable[[], int], say: Say) -> None:
        self.seats = [ThreadPoolExecutor(1, f"{name}-{number}") for number in range(seats)]
        self._most, self._say = most, say

    async def serve(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer a request, once all of it is there and a seat is free."""
        try:
            body = await whole_body(receive, self._most())
        except Unusable as unusable:
            await self._tell(unusable.status, send)
            return
        if not self.seats:
            await self._tell(HTTPStatus.SERVICE_UNAVAILABLE, send)
            return
        seat = self.seats.pop()
        try:
            async with ThreadSensitiveContext(executor=seat):
                await app(scope, given(body), send)
        finally:
            self.seats.append(seat)

    async def _tell(self, status: HTTPStatus | None, send: Send) -> None:
        for message in self._say(status) if status else ():
            await send(message)


def dashboard_room() -> Room:
    """The room of those who use the dashboard."""
    return Room("dashboard", DASHBOARD_SEATS, lambda: DASHBOARD_BYTES, _dashboard_says)


def api_room() -> Room:
    """The room of programs, which are told in problem details (RFC 9457)."""
    return Room("api", API_SEATS, lambda: settings.DATA_UPLOAD_MAX_MEMORY_SIZE, _api_says)


def esp_room() -> Room:
    """The room of ESPs, which tell of many mails at once, and call again where they find no seat."""
    return Room("esp", ESP_SEATS, lambda: settings.DATA_UPLOAD_MAX_MEMORY_SIZE, _esp_says)


def _dashboard_says(status: HTTPStatus) -> Answer:
    headers = [(b"content-security-policy", errorpages.policy().encode()), *_headers(status)]
    page = errorpages.page(status, errorpages.BY_STATUS[status])
    return answer(status, b"text/html; charset=utf-8", page.encode(), *headers)


def _esp_says(status: HTTPStatus) -> Answer:
    return answer(status, b"text/plain", _ESP[status], *_headers(status))


def _api_says(status: HTTPStatus) -> Answer:
    problem = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": _API[status]}
    return answer(status, b"application/problem+json", orjson.dumps(problem), *_headers(status))


def _headers(status: HTTPStatus) -> list[tuple[bytes, bytes]]:
    return [_RETRY] if status is HTTPStatus.SERVICE_UNAVAILABLE else []
