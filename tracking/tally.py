"""How many hits a process has answered, and how many it has lost, by day: in memory that outlives a kill -9.

The memory is one page of a file that the process holds with flock, mapped: counting is a store into it, without a
system call, and what the kernel has of the page is there for whoever reads the file next. The page is

    magic (8 bytes) | 170 times: day (proleptic Gregorian ordinal), kept, lost (8 bytes each)

in the byte order of the host. A day has its place by its number, so the page never fills: the day that stood there is
170 days old and long stored elsewhere.
"""

import mmap
import os
from pathlib import Path
from typing import Final, NamedTuple, Self
from uuid import UUID, uuid4

from tracking.ownfiles import make_own

SUFFIX: Final = ".tally"
PAGE_SIZE: Final = 4096
_MAGIC: Final = b"tally 1\n"
_DAYS: Final = (PAGE_SIZE - len(_MAGIC)) // 24
_EMPTY: Final = _MAGIC.ljust(PAGE_SIZE, b"\0")


class DayCount(NamedTuple):
    """The hits of a day (its ordinal, in UTC) that were answered and kept, and those that were lost."""

    day: int
    kept: int
    lost: int


class Tally:
    """The counts of one process; one thread counts, any thread may read."""

    __slots__ = ("_counts", "_day", "_file", "_page", "_place", "id")

    def __init__(self, id: UUID, page: mmap.mmap, file: int | None) -> None:
        """`file` is the descriptor that holds the lock, None where the counts are in this process's memory only."""
        self.id = id
        self._page, self._file = page, file
        self._counts = memoryview(page).cast("Q")
        self._day = self._place = 0

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Counts that outlive the process. Raises OSError."""
        # Written, not just made longer: a page of the map that has no place on the disk yet would end the process when
        # the disk is full.
        file, id = make_own(folder, SUFFIX, _EMPTY)
        try:
            os.fsync(file)
            return cls(id, mmap.mmap(file, PAGE_SIZE), file)
        except OSError:
            os.close(file)
            raise

    @classmethod
    def in_memory(cls) -> Self:
        """Counts that end with the process, for as long as the disk takes none."""
        page = mmap.mmap(-1, PAGE_SIZE)
        page[:] = _EMPTY
        return cls(uuid4(), page, None)

    @property
    def is_on_disk(self) -> bool:
        """Whether the counts outlive the process."""
        return self._file is not None

    def keep(self, day: int) -> None:
        """Count a hit of that day that is kept."""
        if day != self._day:
            self._turn_to(day)
        self._counts[self._place + 1] += 1

    def lose(self, day: int) -> None:
        """Count a hit of that day that is lost."""
        if day != self._day:
            self._turn_to(day)
        self._counts[self._place + 2] += 1

    def counts(self) -> list[DayCount]:
        """What was counted, in no order."""
        return _counts(self._page[:])

    def _turn_to(self, day: int) -> None:
        place = 1 + day % _DAYS * 3
        if self._counts[place] != day:
            # In this order: the process may end in between.
            self._counts[place + 1] = self._counts[place + 2] = 0
            self._counts[place] = day
        self._day, self._place = day, place


def read_tally(content: bytes) -> list[DayCount]:
    """The counts that a dead process left. Raises ValueError for a file that is not one of ours."""
    if len(content) != PAGE_SIZE or not content.startswith(_MAGIC):
        raise ValueError("The file is no tally, or was altered.")
    return _counts(content)


def _counts(content: bytes) -> list[DayCount]:
    numbers = memoryview(content).cast("Q")
    places = range(1, 1 + 3 * _DAYS, 3)
    return [DayCount(*numbers[place : place + 3]) for place in places if numbers[place]]
