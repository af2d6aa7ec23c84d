"""Hit → Event, in sets: whatever has gathered goes to PostgreSQL as one statement, in a thread of its own.

A frozen PostgreSQL holds a statement for as long as it likes, whatever time-out the client sets; only a wait for
another thread is bounded. So requests wait for a recorder thread, never for the database.
"""

import logging
from collections.abc import Callable, Sequence
from time import monotonic

from django.db import DataError, Error, IntegrityError, connection

from tracking.crew import Crew
from tracking.hits import Hit
from tracking.signals import events_recorded
from tracking.steps import log_events
from tracking.store import EventRow, store_events

logger = logging.getLogger(__name__)

TELL_SECONDS = 1.0


class Recorder:
    """A few threads that store hits for the event loop, each all that have gathered by then."""

    def __init__(self, threads: int, patience: float) -> None:
        """`patience` (seconds): how long a hit waits at most."""
        self._crew = Crew("recorder", threads, patience, _store, prepare=_connect)

    async def record(self, hit: Hit) -> bool:
        """Store the hit; whether that is known to have happened when the patience ends.

        False doesn't mean that it was not stored: who keeps it elsewhere then must keep its id.
        """
        return await self._crew.hand(hit) is None

    def is_stuck(self) -> bool:
        """Whether every thread has been at one statement for longer than a hit would wait."""
        return self._crew.is_stuck()


def _connect() -> None:
    connection.ensure_connection()  # this thread's own


def _store(hits: Sequence[Hit]) -> list[Hit]:
    try:
        return store_hits(hits)
    except Error:
        raise  # store_hits() has told of it
    except Exception:
        logger.exception("A recorder failed on %d hits; they go to the spool", len(hits))
        raise


def store_hits(hits: Sequence[Hit], tell: Callable[..., object] = events_recorded.send_robust) -> list[Hit]:
    """Store hits as events and tell of them; those that the database refuses for what they hold are returned.

    Raises django.db.Error when the database can't be reached or fails; the hits may then be stored or not.
    """
    try:
        store_events([_row(hit) for hit in hits])
    except (DataError, IntegrityError) as error:
        if len(hits) == 1:
            # The error's own words may hold what the client sent.
            kind = type(error.__cause__ or error).__name__
            logger.error("The database refuses hit %s: %s", hits[0].id, kind, extra={"event": hits[0].id})
            return list(hits)
        middle = len(hits) // 2
        return store_hits(hits[:middle], tell) + store_hits(hits[middle:], tell)
    except Error as error:
        connection.close()
        if _seldom():
            logger.warning("PostgreSQL did not take %d hits: %s", len(hits), str(error).strip())
        raise
    log_events(logger, "is recorded", (hit.id for hit in hits))
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
