"""When to stop asking PostgreSQL for a while, and when to ask it again. Pure: `now` is passed in.

CLOSED ── trouble after trouble ──► OPEN ── a second later, one probe ──► HALF_OPEN
   ▲                                  ▲                                      │  │
   │                                  └──────────── it failed ───────────────┘  │
   └─────────────────────────────── it went through ───────────────────────────┘
"""

from enum import Enum
from typing import Final

TROUBLES: Final = 3
APART_SECONDS: Final = 0.03
PROBE_SECONDS: Final = 1.0


class State(Enum):
    """What becomes of a hit: while CLOSED it goes to PostgreSQL, else straight to the spool."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Opens after TROUBLES in a row, and closes when a probe goes through. Moments are seconds of one clock.

    What fails or comes late within APART_SECONDS of a trouble that was counted is part of it: a set has many hits.
    """

    __slots__ = ("_counted_at", "_probed_at", "_troubles", "state")

    def __init__(self) -> None:
        self.state = State.CLOSED
        self._troubles = 0
        self._counted_at = self._probed_at = float("-inf")

    def went_well(self) -> None:
        """A hit was stored, in time."""
        self._troubles = 0

    def failed(self, now: float) -> bool:
        """A hit was not stored, or not in time; whether that opens the breaker."""
        if self.state is not State.CLOSED or now < self._counted_at + APART_SECONDS:
            return False
        self._counted_at = now
        self._troubles += 1
        if self._troubles < TROUBLES:
            return False
        self._open(now)
        return True

    def begins_probe(self, now: float) -> bool:
        """Whether it is time to probe; who is told so has to tell what came of it."""
        if self.state is not State.OPEN or now < self._probed_at + PROBE_SECONDS:
            return False
        self.state = State.HALF_OPEN
        return True

    def probe_failed(self, now: float) -> None:
        """PostgreSQL did not take the probe."""
        self._open(now)

    def probe_succeeded(self) -> None:
        """PostgreSQL took the probe."""
        self._troubles = 0
        self.state = State.CLOSED

    def _open(self, now: float) -> None:
        self._probed_at = now
        self.state = State.OPEN
