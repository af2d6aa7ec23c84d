"""The bodies of requests, gathered before a thread is asked for: a slow client holds none."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from tracking.bodies import ClientGone, TooLong, gathered
from tracking.views import Receive

# Of a form, or of a request of the API; what a client takes longer for, or never ends, is not waited for.
BODY_SECONDS: Final = 10.0


class Unusable(Exception):
    """A body that is not waited for any longer; `status` is what to say, None when nobody is there to hear it."""

    def __init__(self, status: HTTPStatus | None) -> None:
        self.status = status


async def whole_body(receive: Receive, most: int) -> bytes:
    """The body of a request, up to so many bytes. Raises Unusable, after BODY_SECONDS at most."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await gathered(receive, most)
    except TimeoutError:
        raise Unusable(HTTPStatus.REQUEST_TIMEOUT) from None
    except TooLong:
        raise Unusable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE) from None
    except ClientGone:
        raise Unusable(None) from None


def given(body: bytes) -> Receive:
    """The body at once, and then nothing: Django would leave alone a thread whose client has gone, and it goes on."""
    messages = iter([{"type": "http.request", "body": body}])

    async def receive() -> Mapping[str, Any]:
        return next(messages, None) or await asyncio.get_running_loop().create_future()

    return receive
