"""Hit → Event, in sets: whatever has gathered goes to PostgreSQL as one statement, in a thread of its own.

A frozen PostgreSQL holds a statement for as long as it likes, whatever time-out the client sets; only a wait for
another thread is bounded. So requests wait for a recorder thread, never for the database.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic

from django.db import DataError, Error, IntegrityError, connection

from tracking.hits import Hit
from tracking.signals import events_recorded
from tracking.store import EventRow, store_events

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500
TELL_SECONDS = 1.0


class Ticket:
    """A hit on its way through a recorder. The gate opens when its fate is known."""

    __slots__ = ("gate", "hit", "stored")

    def __init__(self, hit: Hit) -> None:
        self.hit = hit
        self.stored = False
        self.gate = threading.Lock()
        self.gate.acquire()


class Recorder:
    """A few threads that store hits; each takes all that wait, up to MOST_AT_ONCE."""

    def __init__(self, threads: int, patience: float) -> None:
        """`patience` (seconds): how long a caller waits at most."""
        self._patience = patience
        self._queue: SimpleQueue[Ticket] = SimpleQueue()
        self._busy_since: list[float | None] = [None] * threads
        for number in range(threads):
            threading.Thread(target=self._run, args=(number,), name=f"recorder-{number}", daemon=True).start()

    def record(self, hit: Hit) -> bool:
        """Store the hit; whether that is known to have happened when the patience ends.

        False doesn't mean that it was not stored: who keeps it elsewhere then must keep its id.
        """
        if self.is_stuck():
            return False
        ticket = Ticket(hit)
        self._queue.put(ticket)
        return ticket.gate.acquire(timeout=self._patience) and ticket.stored

    def is_stuck(self) -> bool:
        """Whether every thread has been at one statement for longer than a caller would wait."""
        long_ago = monotonic() - self._patience
        return all(since is not None and since < long_ago for since in self._busy_since)

    def _run(self, number: int) -> None:
        # The first hit must not wait for a connection to be made; what is wrong with it, that hit will say.
        with suppress(Exception):
            connection.ensure_connection()
        while True:
            tickets = self._gather()
            self._busy_since[number] = monotonic()
            try:
                self._store(tickets)
            except Error:
                pass  # store_hits() has told of it
            except Exception:
                logger.exception("A recorder failed on %d hits; they go to the spool", len(tickets))
            finally:
                self._busy_since[number] = None
                for ticket in tickets:
                    ticket.gate.release()

    def _gather(self) -> list[Ticket]:
        tickets = [self._queue.get()]
        try:
            while len(tickets) < MOST_AT_ONCE:
                tickets.append(self._queue.get_nowait())
        except Empty:
            return tickets
        return tickets

    def _store(self, tickets: Sequence[Ticket]) -> None:
        refused = {hit.id for hit in store_hits([ticket.hit for ticket in tickets])}
        for ticket in tickets:
            ticket.stored = ticket.hit.id not in refused


def store_hits(hits: Sequence[Hit], tell: Callable[..., object] = events_recorded.send_robust) -> list[Hit]:
    """Store hits as events and tell of them; those that the database refuses for what they hold are returned.

    Raises django.db.Error when the database can't be reached or fails; the hits may then be stored or not.
    """
    try:
        store_events([_row(hit) for hit in hits])
    except (DataError, IntegrityError) as error:
        if len(hits) == 1:
            # The error's own words may hold what the client sent.
            logger.error("The database refuses hit %s: %s", hits[0].id, type(error.__cause__ or error).__name__)
            return list(hits)
        middle = len(hits) // 2
        return store_hits(hits[:middle], tell) + store_hits(hits[middle:], tell)
    except Error as error:
        connection.close()
        if _seldom():
            logger.warning("PostgreSQL did not take %d hits: %s", len(hits), str(error).strip())
        raise
    tell(sender=store_hits, ids=[hit.id for hit in hits])
    return []


_told = float("-inf")


def _seldom() -> bool:
    """True once in TELL_SECONDS: a busy site's log must not fill the disk that the spool needs."""
    global _told
    if monotonic() - _told < TELL_SECONDS:
        return False
    _told = monotonic()
    return True


def _row(hit: Hit) -> EventRow:
    return EventRow(hit.id, hit.type, hit.account, hit.message, hit.data)
