"""The load generator's process: ``python -m chaos.people``, with its job as JSON on stdin; it ends with SIGTERM.

It asks for URLs at equal distances whatever the answers do, each time over a connection that nobody else uses then, and
writes down what became of each hit. Beside it asks for a pixel without a token, which the web process answers without
recording: as slow as that is, so slow is the machine.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

# A mail program waits longer, but what comes later than this was no answer to anybody.
PATIENCE_SECONDS = 5.0
GOOD = (b"HTTP/1.1 200 ", b"HTTP/1.1 302 ")
PROBE_EVERY = 2
PROBE_PATH = "/o/.gif"
REST = (
    " Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    "\r\nAccept: image/avif,image/webp,image/png,*/*;q=0.8\r\nAccept-Language: nl-NL,nl;q=0.9,en;q=0.8\r\n\r\n"
)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Job:
    """What `chaos.load.launch` asks for: hit n goes to path n (in turn); `journal` is the file to write to."""

    port: int
    paths: Sequence[str]
    rate: float
    journal: str


class People:
    """Asks, and keeps the journal: a line ``number sent answered`` for each hit, `answered` 0 where it was not.

    A probe has the number -1. Moments are seconds of CLOCK_MONOTONIC.
    """

    def __init__(self, job: Job, journal: TextIO) -> None:
        self._job = job
        self._journal = journal
        self._idle: list[Connection] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop, then wait for what is under way."""
        number = 0
        async for _ in ticks(self._job.rate, stop):
            self._begin(number, self._job.paths[number % len(self._job.paths)])
            if number % PROBE_EVERY == 0:
                self._begin(-1, PROBE_PATH)
            number += 1
        if self._asking:
            await asyncio.wait(self._asking)

    def _begin(self, number: int, path: str) -> None:
        task = asyncio.create_task(self._hit(number, path))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _hit(self, number: int, path: str) -> None:
        mark = f"chaos/{number:09}" if number >= 0 else "probe"
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._job.port}\r\nUser-Agent: {mark}{REST}".encode()
        sent = time.monotonic()
        answered = 0.0
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                if (await self._ask(request)).startswith(GOOD):
                    answered = time.monotonic()
        self._journal.write(f"{number} {sent:.6f} {answered:.6f}\n")

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await self._connection()
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(content_length(head))
        except BaseException:
            writer.transport.abort()
            raise
        self._idle.append((reader, writer))
        return head

    async def _connection(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._job.port)


async def ticks(rate: float, stop: asyncio.Event) -> AsyncIterator[None]:
    """So many ticks a second, at equal distances, until the event is set; late ones are made up for."""
    started = time.monotonic()
    number = 0
    while not stop.is_set():
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        yield
        number += 1


def content_length(head: bytes) -> int:
    """The Content-Length of the head of an answer, 0 where it has none."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r", 1)[0]) if found else 0


async def work(job: Job) -> None:
    """Do the job until SIGTERM comes."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with open(job.journal, "w", buffering=1) as journal:
        await People(job, journal).run(stop)


if __name__ == "__main__":
    asyncio.run(work(Job(**json.load(sys.stdin))))
