"""Hearing of new events from PostgreSQL while many come, in small sets: a Celery task for each set costs too much.

Celery rings as ever while little comes in, for large sets, and while nobody watches.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from uuid import UUID

import psycopg
from django.db import Error, connection

from feedbackloops.doorbell import EVENTS_PER_TASK, gathering
from tracking import outbox

logger = logging.getLogger(__name__)

# From so many tasks in a second on the outbox is watched, until it is so many notices in CALM_SECONDS.
BUSY_TASKS = 10
CALM_NOTICES = 10
CALM_SECONDS = 3.0
# How often the thread, hearing nothing, looks whether it is still wanted.
LOOK_SECONDS = 1.0
# Notices that were on their way when it stopped are waited for.
LAST_SECONDS = 0.2
# Somebody else watches, or it failed: not again before.
PAUSE_SECONDS = 1.0

FanOut = Callable[[Sequence[UUID]], object]


class Watcher:
    """A thread that fans out what it hears of. Of all processes one watches at a time.

    What is heard and not done, since the process dies or PostgreSQL goes away, the sweep finds.
    """

    def __init__(self, fan_out: FanOut, hand_on: FanOut) -> None:
        """`hand_on` gets what is too much for one thread."""
        self._fan_out, self._hand_on = fan_out, hand_on
        self._tasks: deque[float] = deque(maxlen=BUSY_TASKS)
        self._notices: deque[float] = deque(maxlen=CALM_NOTICES)
        self._busy = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Have the thread end, and wait for that for so many seconds."""
        self._stopped = True
        self._busy.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def notice_task(self) -> None:
        """Learn that a task has fanned something out; from any thread."""
        moment = monotonic()
        self._tasks.append(moment)
        if len(self._tasks) == BUSY_TASKS and moment - self._tasks[0] < 1:
            self._busy.set()

    def _run(self) -> None:
        while not self._stopped:
            self._busy.wait()
            try:
                if not self._stopped and (line := outbox.watch()):
                    self._watch(line)
            except (Error, psycopg.Error) as error:
                logger.warning("The outbox is not watched for a moment: %s", str(error).strip())
            except Exception:
                logger.exception("The outbox could not be watched; tasks are rung for instead")
            connection.close()
            self._tasks.clear()
            self._busy.clear()
            sleep(0 if self._stopped else PAUSE_SECONDS)

    def _watch(self, line: psycopg.Connection) -> None:
        began = before = monotonic()
        while not (self._stopped or self._is_calm(began)):
            heard = self._hear(line, LOOK_SECONDS)
            moment = monotonic()
            self._do(heard)
            # What comes in meanwhile shares the next fan-out: the more there is, the longer.
            sleep(gathering(len(heard), moment - before))
            before = moment
        outbox.unwatch(line)
        self._do(self._hear(line, LAST_SECONDS, stop_after=None))

    def _hear(self, line: psycopg.Connection, seconds: float, stop_after: int | None = 1) -> list[UUID]:
        heard: list[UUID] = []
        for notice in line.notifies(timeout=seconds, stop_after=stop_after):
            try:
                heard += outbox.ids_in(notice)
            except ValueError:
                logger.warning("A notice was no list of events, and is passed over")
            self._notices.append(monotonic())
        if not heard:
            # Idle for longer, the connection would count as a frozen process's.
            line.execute("SELECT 1")
        return heard

    def _do(self, heard: list[UUID]) -> None:
        if heard:
            self._fan_out(heard[:EVENTS_PER_TASK])
        if len(heard) > EVENTS_PER_TASK:
            self._hand_on(heard[EVENTS_PER_TASK:])

    def _is_calm(self, began: float) -> bool:
        since = monotonic() - CALM_SECONDS
        return began < since and (len(self._notices) < CALM_NOTICES or self._notices[0] < since)
