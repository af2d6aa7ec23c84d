"""The thread that says, every few seconds, that its process moves; and keeps quiet once a part of it does not.

A part that waits for PostgreSQL or the broker does move: to restart a worker because a server is away would double
what it has under way, and mend nothing.
"""

import atexit
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from marketingsuite.vitals import files

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
# From here on it is asked whether a part has a reason for being quiet.
QUIET_SECONDS = 10.0
HUNG_SECONDS = 30.0

Counts = Callable[[], Mapping[str, Mapping[str, float]]]


class Part(NamedTuple):
    """A part of a process that has to move. `silence`: for how many seconds it has not."""

    name: str
    silence: Callable[[], float]
    waits: Callable[[], bool]


class Pulse:
    """What is known of the parts of this process, beat by beat."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._sound: dict[str, float] = {}
        self._last = float("-inf")

    def hung(self, now: float) -> list[str]:
        """The parts that have been silent for HUNG_SECONDS (of moments `now`) without a reason."""
        if now - self._last > 3 * BEAT_SECONDS:
            # The whole process was asleep, or has just started: none of its parts had a chance to move.
            self._sound = dict.fromkeys((part.name for part in self._parts), now)
        self._last = now
        for part in self._parts:
            if part.silence() < QUIET_SECONDS or part.waits():
                self._sound[part.name] = now
        return [name for name, moment in self._sound.items() if now - moment >= HUNG_SECONDS]


def start(place: Path, name: str, parts: Sequence[Part], counts: Counts = dict) -> Callable[[], None]:
    """Have the process of this name give signs of life, and publish what it counts, until it ends.

    Returns what to call where a process ends without asking `atexit`: it is forgotten then.
    """
    ended = threading.Event()

    def end() -> None:
        ended.set()
        thread.join(BEAT_SECONDS)
        files.forget(place, name)

    arguments = (place, name, Pulse(parts), counts, ended)
    thread = threading.Thread(target=_beat_until, args=arguments, name="pulse", daemon=True)
    thread.start()
    atexit.register(end)
    return end


def _beat_until(place: Path, name: str, pulse: Pulse, counts: Counts, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            _beat(place, name, pulse, counts)
        except OSError as error:
            logger.warning("No sign of life could be written into %s: %s", place, error.strerror)
        except Exception:
            logger.exception("The pulse skipped a beat")
        ended.wait(BEAT_SECONDS)


def _beat(place: Path, name: str, pulse: Pulse, counts: Counts) -> None:
    hung = pulse.hung(monotonic())
    for part in hung:
        logger.critical("The %s of this process hangs: it has not moved for %.0f s", part, HUNG_SECONDS)
    if not hung:
        files.touch(place, name)
    if counted := counts():
        files.write_counts(place, name, counted)
