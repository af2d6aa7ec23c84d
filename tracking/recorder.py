"""Takes hits to PostgreSQL, as long as it answers: a hit waits for it no longer than its patience.

A frozen PostgreSQL holds a statement for as long as it likes, whatever time-out the client sets. So a request waits for
what the event loop will have heard by then, and never for the database.
"""

import logging
from time import monotonic

from tracking.breaker import Breaker, State
from tracking.crew import REFUSED, Crew
from tracking.hits import Hit
from tracking.storing import Storers, store_hits

logger = logging.getLogger(__name__)

# A set costs every process on the way the same, however few hits are in it.
LONGEST_PAUSE = 0.012


class Recorder:
    """Stores hits over a few connections, on each all that have gathered by then.

    While PostgreSQL is away none is asked: `probe`, called every second by another thread, finds out when it is back.
    """

    def __init__(self, connections: int, patience: float) -> None:
        """`patience` (seconds): how long a hit waits at most."""
        self._storers = Storers(connections)
        self._crew = Crew(self._storers, patience, longest_pause=LONGEST_PAUSE)
        self._breaker = Breaker()

    def connect(self) -> None:
        """Begin to connect, so that the first hit need not wait for it. To be called in the event loop."""
        self._storers.connect()

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
        """Whether every connection has been at one set for longer than a hit would wait."""
        return self._crew.is_stuck()
