"""Attempts are written by a thread of its own, a set at a time, while the keeper makes the next calls."""

import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import monotonic

from django.db import DataError, IntegrityError, connection

from feedbackloops import lanes
from feedbackloops.lane import Lane
from feedbackloops.lanes import Done

logger = logging.getLogger(__name__)

# A set has its price, and nobody waits for it. But claims come across what is not recorded yet, so many go sooner.
RECORD_SECONDS = 0.1
RECORD_MANY, RECORD_MANY_SECONDS = 100, 0.02
RECORD_AT_ONCE = 500

Ended = tuple[Lane, Done]


class Recording:
    """The attempts that have ended and are not written yet. All methods belong to the keeper's thread."""

    def __init__(self, on_written: Callable[[], None]) -> None:
        """`on_written` is called from the writing thread when a set is written, or could not be."""
        self._on_written = on_written
        self._waiting: list[Ended] = []
        self._writing: list[Ended] = []
        self._sets: SimpleQueue[list[Done] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Exception | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._began = float("-inf")

    def add(self, lane: Lane, done: Done) -> None:
        """Have an attempt written with the next set."""
        self._waiting.append((lane, done))

    def step(self, *, at_once: bool = False) -> list[Ended]:
        """Begin the next set when it is time; what was written since the last step.

        Raises what a set failed with (django.db.Error while PostgreSQL is away): it waits again, whole.
        """
        written = self._written()
        if not self._writing and self._waiting and (at_once or self.next_at() <= monotonic()):
            self._begin()
        return written

    def next_at(self) -> float:
        """The moment (monotonic) at which there is something to do here; infinity while there is nothing."""
        if self._writing:
            return float("inf") if self._outcomes.empty() else self._began
        if not self._waiting:
            return float("inf")
        return self._began + _pause(len(self._waiting))

    def __len__(self) -> int:
        """How many have ended and are not known to be written."""
        return len(self._waiting) + len(self._writing)

    def end(self) -> None:
        """End the thread, and its connection, once it has written what it has."""
        self._sets.put(None)
        self._thread = None

    def _written(self) -> list[Ended]:
        if not self._writing or self._outcomes.empty():
            return []
        written, self._writing = self._writing, []
        if error := self._outcomes.get():
            self._waiting = written + self._waiting
            raise error
        return written

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_for_ever, name="recording", daemon=True)
            self._thread.start()
        self._writing, self._waiting, self._began = self._waiting, [], monotonic()
        self._sets.put([done for _, done in self._writing])

    def _write_for_ever(self) -> None:
        while (done := self._sets.get()) is not None:
            self._outcomes.put(_outcome_of(done))
            self._on_written()
        connection.close()


def _pause(waiting: int) -> float:
    """Seconds from the beginning of one set to that of the next, when so many attempts wait for it."""
    if waiting >= RECORD_AT_ONCE:
        return 0.0
    return RECORD_MANY_SECONDS if waiting >= RECORD_MANY else RECORD_SECONDS


def _outcome_of(done: Sequence[Done]) -> Exception | None:
    try:
        _record(done)
    except Exception as error:
        connection.close()
        return error
    return None


def _record(done: Sequence[Done]) -> None:
    """Record them; what PostgreSQL refuses for what a stranger's answer holds is recorded without that."""
    try:
        lanes.record(done)
    except (DataError, IntegrityError):
        if len(done) > 1:
            for each in done:
                _record([each])
            return
        about = {"loop": done[0].loop, "delivery": done[0].delivery}
        logger.exception("The answer to attempt %s can't be stored; the attempt is", done[0].id, extra=about)
        lanes.record([done[0]._replace(message="The answer can't be shown.", answer=b"", head="", address="")])
