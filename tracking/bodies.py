"""The body of a request, gathered from the messages of an ASGI server."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any


class TooLong(Exception):
    """A body of more bytes than there may be; the rest of it was not waited for."""


class ClientGone(Exception):
    """The client left before the end: nobody is there to hear an answer."""


async def gathered(receive: Callable[[], Awaitable[Mapping[str, Any]]], most: int) -> bytes:
    """The whole body, of up to `most` bytes. Raises TooLong or ClientGone; how long it waits, the caller says."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > most:
            raise TooLong
        more = message.get("more_body", False)
    return bytes(body)
