"""The recipients: a process that asks for URLs over keep-alive connections, each request with a stamp of its moment.

The stamp stands in the Referer as ``bench/<microseconds of CLOCK_MONOTONIC>``; it travels through the event into
the POST's body, where the receiver reads it. With a rate, it is the moment at which the request was to be sent,
whatever held it up, so that no delay hides (the error known as coordinated omission).
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from rig.children import child, end


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of the requests; `first_sent` and `last_answered` in seconds of CLOCK_MONOTONIC.

    `answered` counts answers 200 and 302, `failed` all else, lost connections included.
    """

    answered: int
    failed: int
    first_sent: float
    last_answered: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Answers a second, from the first request to the last answer."""
        return self.answered / (self.last_answered - self.first_sent)

    def checked(self) -> Self:
        """Itself. Raises ValueError where a request got no good answer."""
        if self.failed:
            raise ValueError(f"{self.failed} of {self.answered + self.failed} hits got no good answer.")
        return self


class Firing:
    """A load generator under way."""

    def __init__(self, process: subprocess.Popen[bytes], job: bytes) -> None:
        self._process = process
        assert process.stdin is not None
        process.stdin.write(job)
        process.stdin.close()
        process.stdin = None

    def result(self) -> Fired:
        """Wait for its end. Raises ChildProcessError, with its last words, when it broke down."""
        told, complaint = self._process.communicate()
        if self._process.returncode:
            raise ChildProcessError(f"The load generator broke down: {complaint.decode(errors='replace').strip()}")
        return Fired(**json.loads(told))

    def is_under_way(self) -> bool:
        """Whether it still asks."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it before its time; nothing happens to one that has ended."""
        end(self._process)


def launch(
    urls: Sequence[str], *, number: int, connections: int = 64, rate: float | None = None, body_bytes: int = 0
) -> Firing:
    """Begin to ask for the URLs in turn, `number` times in all, in a process of its own.

    Without a rate each connection asks as soon as it was answered (a closed loop); with one, so many requests a second
    are sent at equal distances whatever the answers do (an open loop; `connections` are made to begin with, more as
    needed). With `body_bytes` the requests are POSTs. All URLs are on one server on 127.0.0.1.
    """
    places = [urlsplit(url) for url in urls]
    job = {
        "port": places[0].port,
        "paths": [place.path for place in places],
        "number": number,
        "connections": connections,
        "rate": rate,
        "body_bytes": body_bytes,
    }
    return Firing(child("bench.recipients"), json.dumps(job).encode())


def fire(
    urls: Sequence[str], *, number: int, connections: int = 64, rate: float | None = None, body_bytes: int = 0
) -> Fired:
    """`launch`, and wait for the end."""
    return launch(urls, number=number, connections=connections, rate=rate, body_bytes=body_bytes).result()
