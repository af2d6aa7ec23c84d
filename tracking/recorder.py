"""Hit → Event, in sets: whatever has gathered goes to PostgreSQL as one statement, in a thread of its own.

A frozen PostgreSQL holds a statement for as long as it likes, whatever time-out the client sets; only a wait for
another thread is bounded. So requests wait for a recorder thread, never for the database.
"""

import logging
from collections.abc import Callable, Sequence
from time import monotonic
from uuid import UUID

from django.db import DataError, Error, IntegrityError, connection

from tracking import outbox
from tracking.breaker import Breaker, State
from tracking.crew import REFUSED, Crew
from tracking.hits import Hit
from tracking.seldom import Seldom
from tracking.signals import events_recorded
from tracking.steps import log_events
from tracking.store import EventRow, store_events, store_fresh_events

logger = logging.getLogger(__name__)

# A set costs every process on the way the same, however few hits are in it.
LONGEST_PAUSE = 0.012

_may_tell = Seldom()


class Recorder:
    """A few threads that store hits for the event loop, each all that have gathered by then.

    While PostgreSQL is away none is asked: `probe`, called every second by another thread, finds out when it is back.
    """

    def __init__(self, threads: int, patience: float) -> None:
        """`patience` (seconds): how long a hit waits at most."""
        self._crew = Crew("recorder", threads, patience, _store, prepare=_connect, longest_pause=LONGEST_PAUSE)
        self._breaker = Breaker()

    async def record(self, hit: Hit) -> bool:
        """Store the hit; whether that is known to have happened when the patience ends.

        False doesn't mean that it was not stored: who keeps it elsewhere then must keep its id.
        """
        if self._breaker.state is not State.CLOSED:
            return False
        outcome = await self._crew.hand(hit)
        if outcome is None:
            self._breaker.went_well()
            return True
        if outcome is not REFUSED and self._breaker.failed(monotonic()):
            logger.warning("PostgreSQL is away: hits go straight to the spool until it is back")
        return False

    def probe(self) -> None:
        """Ask PostgreSQL, if it counts as away, whether it takes hits again. Raises django.db.Error if it does not."""
        if not self._breaker.begins_probe(monotonic()):
            return
        try:
            # Nothing to store, but all that storing takes: the connection, the right to write, the locks.
            store_hits([], tell=lambda **nothing: None)
        except BaseException:
            self._breaker.probe_failed(monotonic())
            raise
        self._breaker.probe_succeeded()
        logger.info("PostgreSQL is back: hits go there again")

    @property
    def is_bypassed(self) -> bool:
        """Whether hits go straight to the spool, since PostgreSQL is away."""
        return self._breaker.state is not State.CLOSED

    def is_stuck(self) -> bool:
        """Whether every thread has been at one statement for longer than a hit would wait."""
        return self._crew.is_stuck()


def _connect() -> None:
    connection.ensure_connection()  # this thread's own


def _store(hits: Sequence[Hit]) -> list[Hit]:
    try:
        return store_hits(hits, store=store_fresh_events)
    except Error:
        raise  # store_hits() has told of it
    except Exception:
        logger.exception("A recorder failed on %d hits; they go to the spool", len(hits))
        raise


def store_hits(
    hits: Sequence[Hit],
    tell: Callable[..., object] = events_recorded.send_robust,
    store: Callable[[Sequence[EventRow]], None] = store_events,
) -> list[Hit]:
    """Store hits as events and tell of them; those that the database refuses for what they hold are returned.

    `store`: how; store_fresh_events for those whose ids were made just now.
    Raises django.db.Error when the database can't be reached or fails; the hits may then be stored or not.
    """
    try:
        store([_row(hit) for hit in hits])
    except (DataError, IntegrityError) as error:
        if len(hits) == 1:
            # The error's own words may hold what the client sent.
            kind = type(error.__cause__ or error).__name__
            logger.error("The database refuses hit %s: %s", hits[0].id, kind, extra={"event": hits[0].id})
            return list(hits)
        middle = len(hits) // 2
        return store_hits(hits[:middle], tell, store) + store_hits(hits[middle:], tell, store)
    except Error as error:
        connection.close()
        # A probe is made without any: that PostgreSQL is away was told by then.
        if hits and _may_tell():
            logger.warning("PostgreSQL did not take %d hits: %s", len(hits), str(error).strip())
        raise
    log_events(logger, "is recorded", (hit.id for hit in hits))
    ids = [hit.id for hit in hits]
    tell(sender=store_hits, ids=ids, heard=_is_heard(ids))
    return []


def _is_heard(ids: Sequence[UUID]) -> bool:
    try:
        return outbox.tell(ids)
    except Error:
        # They are stored; whether anybody has heard of them nobody knows.
        connection.close()
        return False


def _row(hit: Hit) -> EventRow:
    return EventRow(hit.id, hit.type, hit.account, hit.message, hit.data)
