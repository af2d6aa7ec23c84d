"""Hit → Event, in sets: whatever has gathered goes to PostgreSQL as one statement."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import psycopg
from django.db import DataError, Error, IntegrityError, connection

from tracking import outbox
from tracking.crew import Outcome
from tracking.hits import Hit
from tracking.line import Answer, Line
from tracking.seldom import Seldom
from tracking.signals import events_recorded
from tracking.steps import log_events
from tracking.store import STORE_FRESH, columns, store_events
from tracking.threads import Threads

logger = logging.getLogger(__name__)

_STATEMENTS = {"store": STORE_FRESH, "tell": outbox.TELL}
_may_tell = Seldom()


class Storers:
    """A few connections on which an event loop stores hits, a set on each: the workers of a crew.

    A set that PostgreSQL refuses, for what one of its hits holds or because the replay was faster, goes to a thread,
    which stores the rest, half by half.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._free = [Line(_STATEMENTS) for _ in range(number)]
        self._halving = Threads("halving", 1, store_hits)

    def connect(self) -> None:
        """Begin to connect, before there is anything to store. To be called in the event loop."""
        for line in self._free:
            line.connect()

    def begin(self, hits: Sequence[Hit], done: Callable[[Sequence[Outcome]], object]) -> None:
        """Have the hits stored, and told of; see `Workers`."""
        line = self._free.pop()
        _Set(line, self._halving, hits, partial(self._end, line, done)).begin()

    def _end(self, line: Line, done: Callable[[Sequence[Outcome]], object], outcomes: Sequence[Outcome]) -> None:
        self._free.append(line)
        done(outcomes)


class _Set:
    """A set of hits on its way."""

    def __init__(
        self, line: Line, halving: Threads[Hit], hits: Sequence[Hit], end: Callable[[Sequence[Outcome]], object]
    ) -> None:
        self._line, self._halving, self._hits, self._end = line, halving, hits, end
        self._is_stored = False

    def begin(self) -> None:
        try:
            parameters = [each.encode() for each in columns(self._hits).values()]
        except Exception as error:
            logger.exception("%d hits could not be written down; they go to the spool", len(self._hits))
            self._end([error] * len(self._hits))
            return
        self._line.ask("store", parameters, self._hear)
        if len(self._hits) <= outbox.TOLD_AT_ONCE:
            # Right behind, so that nobody waits in between. Of a set that is refused it tells too early: no harm.
            self._line.ask("tell", [outbox.told(self._ids).encode()], self._hear_of_telling)

    @property
    def _ids(self) -> list[UUID]:
        return [hit.id for hit in self._hits]

    def _hear(self, answer: Answer) -> None:
        if isinstance(answer, psycopg.DataError | psycopg.IntegrityError):
            self._halving.begin(self._hits, self._end)
        elif isinstance(answer, Exception):
            _warn(self._hits, answer)
            self._line.hang_up()
            self._end([answer] * len(self._hits))
        else:
            self._is_stored = True
            self._end([None] * len(self._hits))
            log_events(logger, "is recorded", self._ids)
            if len(self._hits) > outbox.TOLD_AT_ONCE:
                self._tell(is_heard=False)

    def _hear_of_telling(self, answer: Answer) -> None:
        if self._is_stored:
            self._tell(is_heard=answer == 1)

    def _tell(self, *, is_heard: bool) -> None:
        events_recorded.send_robust(sender=Storers, ids=self._ids, heard=is_heard)


def store_hits(hits: Sequence[Hit], tell: Callable[..., object] = events_recorded.send_robust) -> list[Hit]:
    """Store hits as events and tell of them; those that the database refuses for what they hold are returned.

    Raises django.db.Error when the database can't be reached or fails; the hits may then be stored or not.
    """
    try:
        store_events(hits)
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
        _warn(hits, error)
        raise
    log_events(logger, "is recorded", (hit.id for hit in hits))
    ids = [hit.id for hit in hits]
    tell(sender=store_hits, ids=ids, heard=_is_heard(ids))
    return []


def _warn(hits: Sequence[Hit], error: Exception) -> None:
    # A probe is made without any hits: that PostgreSQL is away was told by then.
    if hits and _may_tell():
        logger.warning("PostgreSQL did not take %d hits: %s", len(hits), str(error).strip())


def _is_heard(ids: Sequence[UUID]) -> bool:
    try:
        return outbox.tell(ids)
    except Error:
        # They are stored; whether anybody has heard of them nobody knows.
        connection.close()
        return False
