"""The load generator's process: ``python -m bench.recipients``, with its job on stdin; what came of it goes to stdout.

One thread on raw file descriptors, since a load generator that shares the machine must not be what is measured.
"""

import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from bench.script import STAMP_DIGITS, content_length

READ_BYTES = 16_384
# No answer at all for so long: what is left counts as failed.
PATIENCE_SECONDS = 20.0
GOOD = (b"HTTP/1.1 200 ", b"HTTP/1.1 302 ")
STAMP_FORMAT = b"%%0%dd" % STAMP_DIGITS
# What browsers say: events are as long as those of people.
REST = (
    b"\r\nUser-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    b" Mobile/15E148\r\nAccept: image/avif,image/webp,image/png,*/*;q=0.8\r\n"
    b"Accept-Language: nl-NL,nl;q=0.9,en;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Job:
    """What `bench.load.launch` was asked for."""

    port: int
    paths: Sequence[str]
    number: int
    connections: int
    rate: float | None
    body_bytes: int

    def requests(self) -> list[tuple[bytes, bytes]]:
        """A request for each path: what stands before and after the stamp."""
        body = b"x" * self.body_bytes
        first, length = (b"POST", b"Content-Length: %d\r\n" % len(body)) if body else (b"GET", b"")
        head = b"%b %b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%bwebhook-id: none\r\nReferer: bench/"
        return [(head % (first, path.encode(), self.port, length), REST + body) for path in self.paths]


class Recipients:
    """Connections that ask for one URL after another."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._requests = cycle(job.requests())
        self._epoll = select.epoll()
        self._begun: dict[int, bytes] = {}
        self._idle = [self._connected() for _ in range(job.connections)]
        self._answered = self._failed = self._sent = 0
        self._first_sent = self._last_answered = 0.0

    def run(self) -> dict[str, float]:
        """Send what is to be sent, wait for the answers; the fields of `bench.load.Fired`."""
        self._first_sent = self._last_answered = time.monotonic()
        if self._job.rate is None:
            self._closed_loop()
        else:
            self._open_loop(self._job.rate)
        return {
            "answered": self._answered,
            "failed": self._job.number - self._answered,
            "first_sent": self._first_sent,
            "last_answered": self._last_answered,
            "cpu_seconds": time.process_time(),
        }

    def _closed_loop(self) -> None:
        for fd in [self._idle.pop() for _ in range(min(len(self._idle), self._job.number))]:
            self._send(fd, time.monotonic())
        while self._under_way() and self._read_answers(PATIENCE_SECONDS):
            while self._idle and self._sent < self._job.number:
                self._send(self._idle.pop(), time.monotonic())

    def _open_loop(self, rate: float) -> None:
        for number in range(self._job.number):
            due = self._first_sent + number / rate
            self._wait_until(due)
            self._send(self._idle.pop() if self._idle else self._connected(), due)
        while self._under_way() and self._read_answers(PATIENCE_SECONDS):
            pass

    def _wait_until(self, due: float) -> None:
        """Read answers meanwhile; epoll counts in whole milliseconds, so the last one is slept."""
        while (left := due - time.monotonic()) > 0.001:
            self._read_answers(left - 0.001)
        if left > 0:
            time.sleep(left)
        self._read_answers(0)

    def _under_way(self) -> int:
        return self._sent - self._answered - self._failed

    def _send(self, fd: int, moment: float) -> None:
        before, after = next(self._requests)
        self._sent += 1
        try:
            os.write(fd, before + STAMP_FORMAT % int(moment * 1e6) + after)
        except ConnectionError:
            self._hung_up(fd)

    def _read_answers(self, longest: float) -> bool:
        """Whether anything came within so many seconds."""
        ready = self._epoll.poll(longest)
        for fd, _ in ready:
            self._read(fd)
        return bool(ready)

    def _read(self, fd: int) -> None:
        try:
            data = os.read(fd, READ_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self._hung_up(fd)
            return
        if self._begun:
            data = self._begun.pop(fd, b"") + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + content_length(data[:end].lower()):
            self._begun[fd] = data
            return
        self._last_answered = time.monotonic()
        if data.startswith(GOOD):
            self._answered += 1
        else:
            self._failed += 1
        self._idle.append(fd)

    def _hung_up(self, fd: int) -> None:
        """Go on with another connection; a request that was under way on this one has failed."""
        os.close(fd)
        self._begun.pop(fd, None)
        if fd in self._idle:
            self._idle.remove(fd)
        else:
            self._failed += 1
        self._idle.append(self._connected())

    def _connected(self) -> int:
        connection = socket.create_connection(("127.0.0.1", self._job.port), timeout=PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        fd = connection.detach()
        self._epoll.register(fd, select.EPOLLIN)
        return fd


def main() -> None:
    """Do the job on stdin."""
    print(json.dumps(Recipients(Job(**json.load(sys.stdin))).run()))


if __name__ == "__main__":
    main()
