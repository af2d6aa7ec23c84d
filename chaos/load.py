"""A steady load of hits from a process of its own, and what became of each."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from chaos.ledgers import Hit
from chaos.people import PATIENCE_SECONDS
from rig.children import child, end

PROBE = -1


class Probe(NamedTuple):
    """A request that records nothing: when it was sent, and the seconds until its answer."""

    sent: float
    seconds: float


class Load:
    """A load generator that runs. `accounts`: whose the URL is, in the order of the URLs."""

    def __init__(self, process: subprocess.Popen[bytes], journal: Path, accounts: Sequence[int]) -> None:
        self._process = process
        self._journal = journal
        self._accounts = accounts

    def stop(self) -> None:
        """Have no more hits sent, and wait for the answers under way. Raises ChildProcessError if it broke down."""
        if self._process.poll() is None:
            self._process.terminate()
        _, complaint = self._process.communicate(timeout=4 * PATIENCE_SECONDS)
        if self._process.returncode:
            raise ChildProcessError(f"The load generator broke down: {complaint.decode(errors='replace').strip()}")

    def hits(self) -> list[Hit]:
        """Every hit whose fate is known by now."""
        return [
            Hit(number, self._accounts[number % len(self._accounts)], sent, answered or None)
            for number, sent, answered in self._lines()
            if number != PROBE
        ]

    def probes(self) -> list[Probe]:
        """Every probe that was answered."""
        return [
            Probe(sent, answered - sent) for number, sent, answered in self._lines() if number == PROBE and answered
        ]

    def _lines(self) -> Iterator[tuple[int, float, float]]:
        with self._journal.open() as lines:
            for line in lines:
                number, sent, answered = line.split()
                yield int(number), float(sent), float(answered)


@contextmanager
def loaded(urls: Sequence[tuple[str, int]], rate: float, journal: Path) -> Iterator[Load]:
    """Have the URLs (each with its account) asked for in turn, so many a second; all on one server of 127.0.0.1."""
    places = [urlsplit(url) for url, _ in urls]
    job = {"port": places[0].port, "paths": [each.path for each in places], "rate": rate, "journal": str(journal)}
    process = child("chaos.people")
    assert process.stdin is not None
    process.stdin.write(json.dumps(job).encode())
    process.stdin.close()
    process.stdin = None
    try:
        yield Load(process, journal, [account for _, account in urls])
    finally:
        end(process)
