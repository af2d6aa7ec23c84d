"""The geometry of charts: numbers in, rectangles out. How they look, the style sheet says.

Units are those of a view box, which is stretched to whatever room there is; so no text stands in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

HEIGHT: Final = 100.0
STEP, BAR = 10.0, 8.0
# What is there at all is seen.
LEAST = 1.5
# An hour in which no more than one call in so many fails is a good one.
FEW: Final = 20
# Ends of an axis, in tenths of a power of ten.
_TENTHS: Final = (10, 15, 20, 25, 30, 40, 50, 60, 80, 100)


class Series(NamedTuple):
    """Numbers of one kind, one for each column. `kind`: a word that the style sheet has a colour for."""

    label: str
    kind: str
    values: Sequence[int]


class Part(NamedTuple):
    """A rectangle of a column; y grows downwards."""

    kind: str
    y: float
    height: float


class Column(NamedTuple):
    """What stands above one label. `numbers`: those of each series, in their order."""

    label: str
    x: float
    parts: list[Part]
    numbers: list[int]

    @property
    def left(self) -> float:
        """Where the place of the column begins: the bar stands in its middle."""
        return self.x - (STEP - BAR) / 2


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns of stacked bars. `top`: the number that the full height stands for; 0 where there are no numbers."""

    series: Sequence[Series]
    columns: list[Column]
    top: int

    @property
    def width(self) -> float:
        """That of the view box."""
        return STEP * len(self.columns)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return self.top == 0

    @property
    def ticks(self) -> list[Column]:
        """The columns whose labels there is room for: the first, the last, and some at equal distances between."""
        last = len(self.columns) - 1
        return [self.columns[round(last * part / 4)] for part in range(5)] if last >= 4 else self.columns


def stacked(labels: Sequence[str], series: Sequence[Series]) -> Chart:
    """A chart with a column for each label. Raises ValueError where a series has not one number for each of them."""
    columns = [list(numbers) for numbers in zip(*(each.values for each in series), strict=True)] if series else []
    if len(columns) != len(labels):
        raise ValueError(f"There are {len(labels)} labels, and {len(columns)} numbers in each series.")
    top = round_up(max(map(sum, columns), default=0))
    kinds = [each.kind for each in series]
    made = [
        Column(label, STEP * place + (STEP - BAR) / 2, _parts(kinds, numbers, top), numbers)
        for place, (label, numbers) in enumerate(zip(labels, columns, strict=True))
    ]
    return Chart(series, made, top)


def round_up(number: int) -> int:
    """The least number that is easy to halve in the mind and not below this one, such as 8, 15, 250; 0 for 0."""
    if number <= 0:
        return 0
    power: int = 10 ** (len(str(number)) - 1)
    return next(top for step in _TENTHS if (top := step * power // 10) >= number)


def _parts(kinds: Sequence[str], numbers: Sequence[int], top: int) -> list[Part]:
    heights = [max(HEIGHT * number / top, LEAST) if number else 0.0 for number in numbers]
    # Small ones that were made visible must not push the pile out of the picture.
    scale = min(1.0, HEIGHT / sum(heights)) if any(heights) else 1.0
    ends = accumulate(height * scale for height in heights)
    piled = zip(kinds, heights, ends, strict=True)
    return [Part(kind, round(HEIGHT - end, 2), round(height * scale, 2)) for kind, height, end in piled if height]


class Cell(NamedTuple):
    """An hour of a health strip. `kind`: none, good, mixed or bad."""

    label: str
    x: float
    kind: str
    good: int
    bad: int


def strip(labels: Sequence[str], good: Sequence[int], bad: Sequence[int]) -> list[Cell]:
    """A line of cells that tells at a glance how it went, hour by hour. Raises ValueError for unequal lengths."""
    hours = enumerate(zip(labels, good, bad, strict=True))
    return [Cell(label, STEP * place, _kind(well, badly), well, badly) for place, (label, well, badly) in hours]


def _kind(good: int, bad: int) -> str:
    if not good and not bad:
        return "none"
    if bad * FEW <= good:
        return "good"
    return "mixed" if good else "bad"
