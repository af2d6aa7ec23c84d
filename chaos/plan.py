"""Which faults come in which order, for how long, and how much of it is left to chance."""

import enum
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# After each random fault, up to so long (seconds) without one: the next may strike before all has recovered.
LONGEST_GAP = 3.0
TWO_AT_ONCE = 0.35


class Length(enum.StrEnum):
    """How long a fault lasts: a moment, long enough to be noticed, or longer than any patience and any lease."""

    MOMENT = "moment"
    WHILE = "while"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `settle`: how long the parts may take to catch up after a fault. `budget`: when random faults end.

    `latest`: when the last of the faults may begin that come in order; what a slow machine has not come to is left out.
    """

    quick: bool
    moment: float
    while_: float
    long: float
    settle: float
    budget: float
    latest: float
    drain: float
    lease: float

    def of(self, length: Length) -> float:
        """How long a fault of this length is held."""
        return {Length.MOMENT: self.moment, Length.WHILE: self.while_, Length.LONG: self.long}[length]


FULL = Timing(
    quick=False,
    moment=1.0,
    while_=3.0,
    long=60.0,
    settle=60.0,
    budget=590.0,
    latest=590.0,
    drain=120.0,
    lease=10.0,
)
QUICK = Timing(
    quick=True,
    moment=0.2,
    while_=1.0,
    long=2.5,
    settle=2.5,
    budget=80.0,
    latest=80.0,
    drain=60.0,
    lease=2.0,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fault as far as chance has to know it; two that touch the same part can't come at once."""

    name: str
    touches: frozenset[str]


@dataclass(frozen=True, slots=True)
class Strike:
    """Faults that strike together, for `hold` seconds, and a gap after them."""

    names: tuple[str, ...]
    hold: float
    gap: float


def at_random(candidates: Sequence[Candidate], timing: Timing, seed: int) -> Iterator[Strike]:
    """Faults without an end, the same ones for the same seed. Raises ValueError where there are no candidates."""
    if not candidates:
        raise ValueError("There is no fault to draw from.")
    chance = random.Random(seed)
    while True:
        first = chance.choice(candidates)
        beside = [each for each in candidates if not each.touches & first.touches]
        second = [chance.choice(beside)] if beside and chance.random() < TWO_AT_ONCE else []
        hold = chance.uniform(timing.moment, 2 * timing.while_)
        yield Strike(tuple(each.name for each in (first, *second)), hold, chance.uniform(0.0, LONGEST_GAP))
