"""The customers' scripts: a process that reads POSTs as cheaply as Python can, counts them, and answers by path.

    /ok/<name>     200 at once
    /error/<name>  500 at once
    /hang/<name>   reads, and never answers

A GET of any path but those of the control (/-/…) is answered by 200 and not counted.
"""

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import requests
from standardwebhooks import Webhook

from rig.children import child, end, listening_socket

SMALLEST_BODY = 1200
# A poll takes a thousandth of a second of this process's CPU, which is then missing to what is measured.
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """One POST in full: header names in lower case."""

    headers: dict[str, str]
    body: bytes = field(repr=False)

    def check(self, secret: str) -> None:
        """Raise WebhookVerificationError for a wrong signature, ValueError for a body of less than 1.2 kB."""
        if len(self.body) < SMALLEST_BODY:
            raise ValueError(f"The bench promises bodies of {SMALLEST_BODY} bytes or more; one has {len(self.body)}.")
        # Once the signature is found right, the library reads the body as JSON, which a form is not.
        with suppress(json.JSONDecodeError):
            Webhook(secret).verify(self.body, self.headers)


@dataclass(frozen=True, slots=True)
class Received:
    """What came for one name. `first` and `last` are seconds of CLOCK_MONOTONIC, 0 where nothing came.

    `distinct` counts the ids in the header webhook-id. `latencies` (ms) are those of the POSTs whose body carries
    a load generator's stamp, in the order of arrival. Every 1000th POST, from the first on, is a sample.
    """

    posts: int
    distinct: int
    first: float
    last: float
    latencies: list[float] = field(repr=False)
    samples: list[Sample] = field(repr=False)

    @property
    def duplicates(self) -> int:
        """How many POSTs came for an event that had come before."""
        return self.posts - self.distinct

    @property
    def per_second(self) -> float:
        """POSTs a second, from the first to the last."""
        return (self.posts - 1) / (self.last - self.first)

    def check_samples(self, secret: str) -> None:
        """Check each sample; raises what `Sample.check` does, and ValueError where there is no sample."""
        if not self.samples:
            raise ValueError("No POST came whose signature could be checked.")
        for sample in self.samples:
            sample.check(secret)


class Receiver:
    """A receiver that runs. Names are of its own: several receivers may use the same ones."""

    def __init__(self, port: int, pid: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._process = psutil.Process(pid)
        self._control = requests.Session()
        # The environment's proxy is for the world outside.
        self._control.trust_env = False

    def url(self, name: str, behaviour: str = "ok") -> str:
        """The URL of a script; `behaviour` is ok, error or hang."""
        return f"{self._base}/{behaviour}/{name}"

    def posts(self, name: str) -> int:
        """How many POSTs have come for this name; costs the receiver next to nothing."""
        return int(self._ask(f"posts/{name}"))

    def report(self, name: str) -> Received:
        """All that came for this name."""
        told = self._ask(f"report/{name}")
        samples = [Sample(each["headers"], b64decode(each["body"])) for each in told.pop("samples")]
        return Received(**told, samples=samples)

    def forget(self) -> None:
        """Begin at zero, for every name."""
        self._ask("forget")

    def await_posts(self, name: str, number: int, seconds: float = 120.0) -> None:
        """Wait until so many POSTs have come. Raises TimeoutError, saying how many came, after so many seconds."""
        if not self.wait_for(name, number, seconds):
            raise TimeoutError(f"{self.posts(name)} of {number} POSTs for {name!r} came within {seconds:g} s.")

    def wait_for(self, name: str, number: int, seconds: float) -> bool:
        """Whether so many POSTs have come after so many seconds at the most; returns as soon as they have."""
        deadline = time.monotonic() + seconds
        while self.posts(name) < number:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def cpu_seconds(self) -> float:
        """The CPU time that it has used so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _ask(self, path: str) -> Any:
        return self._control.get(f"{self._base}/-/{path}", timeout=30).json()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Have a receiver on a free port of 127.0.0.1, in a process of its own."""
    with listening_socket() as listener:
        process = child("bench.script", str(listener.fileno()), listener=listener)
        port = listener.getsockname()[1]
    try:
        yield Receiver(port, process.pid)
    finally:
        end(process)
