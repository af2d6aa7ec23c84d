"""Keeps lanes and the sender going: one engine in each worker process.

Its keeper thread decides, the sender's makes the calls, one writes what became of them, one listens. Keeper and sender
share the queue of ended calls and, in each lane, the moment until which calls may start.
"""

import logging
import resource
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from time import monotonic, sleep
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from feedbackloops.door import make_sender
from feedbackloops.keeper import Keeper
from feedbackloops.listening import Listener
from feedbackloops.outbound.calls import Answer, Call
from tracking.seldom import Seldom

T = TypeVar("T")

logger = logging.getLogger(__name__)

# A turn costs some statements, whatever it finds: at full load this makes it find a handful.
TURN_SECONDS = 0.004
RECOVER_SECONDS = 0.5
# It says that it waits, for as long as it does.
TELL_SECONDS = 60.0


class Engine:
    """Sends what is due in the lanes that it is rung for, until they are empty."""

    def __init__(self) -> None:
        self._bell = threading.Event()
        self._make_parts()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._stop_at: float | None = None
        self._listener = Listener(self._hear)
        self._rung: deque[int] = deque()
        self._heard: deque[int] = deque()
        self._ended: deque[tuple[Call, Answer]] = deque()
        # For the threads that watch over the keeper's.
        self._moved = monotonic()
        self._line: BaseDatabaseWrapper | None = None
        self._may_tell = Seldom(TELL_SECONDS)

    def start(self) -> None:
        """Start its threads."""
        self._sender.start()
        self._listener.start()
        self._thread.start()

    def ring(self, loops: Iterable[int]) -> None:
        """Have these lanes looked at, now; from any thread."""
        self._rung.extend(loops)
        self._bell.set()

    def stop(self, seconds: float) -> None:
        """Start no more calls, let those under way end within `seconds`, record them and give the lanes back."""
        self._stop_at = monotonic() + seconds
        self._bell.set()
        self._listener.stop()
        self._thread.join(seconds + 2 * RECOVER_SECONDS)
        self._sender.stop(0)

    def silence(self) -> float:
        """Seconds since the keeper last took a step; 0 while it waits for what PostgreSQL makes of a statement."""
        line = self._line.connection if self._line else None
        if line is not None and line.pgconn.transaction_status == TransactionStatus.ACTIVE:
            return 0.0
        return monotonic() - self._moved

    def _make_parts(self) -> None:
        self._sender = make_sender(self._over)
        self._keeper = Keeper(self._sender.submit, self._bell.set)

    def _start_over(self) -> None:
        """Replace a sender that broke down. What it had under way is unknown; it is due again when the leases lapse."""
        logger.critical("The sender broke down; a new one takes over, and its lanes go on when their leases lapse")
        former = self._keeper
        self._make_parts()
        self._keeper.inherit(former)
        self._sender.start()

    def _hear(self, loops: Sequence[int]) -> None:
        self._heard.extend(loops)
        self._bell.set()

    def _over(self, calls: Sequence[tuple[Call, Answer]]) -> None:
        self._ended.extend(calls)
        self._bell.set()

    def _run(self) -> None:
        self._line = connections[DEFAULT_DB_ALIAS]
        # The first ring must not wait for a connection to be made; what is wrong with it, the first turn will say.
        with suppress(Error):
            connection.ensure_connection()
        while self._stop_at is None:
            if self._guarded(self._turn):
                # What comes in meanwhile shares the statements of the next turn.
                sleep(TURN_SECONDS)
            self._bell.wait(self._keeper.pause())
            self._bell.clear()
        while monotonic() < self._stop_at and not self._guarded(lambda: self._keeper.close(_drained(self._ended))):
            self._bell.wait(0.05)
            self._bell.clear()
        connection.close()

    def _turn(self) -> bool:
        if not self._sender.is_running():
            self._start_over()
        self._keeper.hear(_drained(self._heard))
        return self._keeper.turn(_drained(self._rung), _drained(self._ended))

    def _guarded(self, step: Callable[[], bool]) -> bool:
        self._moved = monotonic()
        try:
            return step()
        except Error as error:
            if self._may_tell():
                logger.warning("The engine waits for PostgreSQL: %s", (str(error).strip().splitlines() or [""])[0])
        except Exception:
            logger.exception("The engine failed in this turn; it goes on with the next")
        connection.close()
        sleep(RECOVER_SECONDS)
        return False


def engine() -> Engine:
    """The engine of this process, started on first use."""
    # Two tasks may be the first at once, and cache() alone would let each of them make one.
    with _making:
        return _engine()


def stop_engine(seconds: float) -> None:
    """Stop the engine of this process within about so many seconds, if there is one."""
    if _engine.cache_info().currsize:
        _engine().stop(seconds)


def keeper_silence() -> float:
    """Seconds for which the keeper of this process has stood still, see Engine.silence(); 0 without an engine."""
    return _engine().silence() if _engine.cache_info().currsize else 0.0


_making = threading.Lock()


@cache
def _engine() -> Engine:
    _allow_all_files()
    made = Engine()
    made.start()
    return made


def _allow_all_files() -> None:
    """Each call under way takes a file descriptor; the soft limit of most systems is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _drained(queue: deque[T]) -> Iterator[T]:
    """What is in the queue now and comes in meanwhile, each taken as it is asked for."""
    while queue:
        yield queue.popleft()
