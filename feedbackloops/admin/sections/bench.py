"""The last test calls of a loop, and the way to its test bench."""

from dataclasses import dataclass
from typing import Final

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.admin.testbench.shown import Line, lines_of

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Bench:
    """The last test calls, the newest first."""

    lines: list[Line]
    may_test: bool


def bench(visit: Visit) -> Bench | None:
    """What was last tried; None where nothing was, and whoever looks may not try anything either."""
    lines = lines_of(visit.test_calls[:SHOWN], visit.now)
    return Bench(lines, visit.may_change) if lines or visit.may_change else None
