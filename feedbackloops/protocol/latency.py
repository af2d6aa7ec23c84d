"""The time from an event to the receipt of its delivery, counted in buckets. All times are in seconds."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf

# A time that is a bound belongs to the bucket above it. Counts are stored by their place here: only append.
BOUNDS: tuple[float, ...] = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
BUCKETS = len(BOUNDS) + 1
_EDGES = tuple(pairwise((0.0, *BOUNDS, inf)))


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Estimate the time within which this share (0 to 1) of what was counted was received; None where nothing was.

    `counts` has a number for each bucket. Within a bucket times count as evenly spread; infinity stands for a time
    beyond the last bound. Raises ValueError for a share out of range.
    """
    if not 0 <= share <= 1:
        raise ValueError("percentile() needs a share from 0 to 1.")
    rank, below = share * sum(counts), 0
    for (low, high), count in zip(_EDGES, counts, strict=True):
        if count and below + count >= rank:
            return high if high == inf else low + (high - low) * (rank - below) / count
        below += count
    return None
