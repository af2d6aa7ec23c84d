"""The bodies of requests for the dashboard, gathered before a thread is asked for: a slow client holds none."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from tracking.bodies import ClientGone, TooLong, gathered
from tracking.views import Answer, Receive, answer

# Of a form; what a client takes longer for, or never ends, is not waited for.
BODY_SECONDS: Final = 10.0
_TOO_SLOW: Final = answer(408, b"text/plain", b"Your request did not come through in time. Please send it again.\n")
_TOO_LONG: Final = answer(413, b"text/plain", b"That is more than the dashboard takes at once.\n")


class Unusable(Exception):
    """A body that is not waited for any longer; `answer` is what to say, None when nobody is there to hear it."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer


async def whole_body(receive: Receive) -> bytes:
    """The body of a request, up to DATA_UPLOAD_MAX_MEMORY_SIZE bytes. Raises Unusable, after BODY_SECONDS at most."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await gathered(receive, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    except TimeoutError:
        raise Unusable(_TOO_SLOW) from None
    except TooLong:
        raise Unusable(_TOO_LONG) from None
    except ClientGone:
        raise Unusable(None) from None


def given(body: bytes) -> Receive:
    """The body at once, and then nothing: Django would leave alone a thread whose client has gone, and it goes on."""
    messages = iter([{"type": "http.request", "body": body}])

    async def receive() -> Mapping[str, Any]:
        return next(messages, None) or await asyncio.get_running_loop().create_future()

    return receive
