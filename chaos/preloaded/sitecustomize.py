"""Loaded by each Python that starts under libfaketime (PYTHONPATH leads here).

time.sleep() waits until a moment of CLOCK_MONOTONIC, by clock_nanosleep(2). libfaketime 0.9.10 takes it for a moment of
the clock that it fakes, and every such sleep fails with EINVAL. select(2) is told a length, not a moment.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex, /) -> None:
    """As time.sleep()."""
    select.select((), (), (), float(seconds))


time.sleep = sleep
