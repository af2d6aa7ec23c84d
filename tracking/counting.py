"""Counting the hits of this process, and telling PostgreSQL what was counted: here, and by processes that are dead."""

import logging
from pathlib import Path
from uuid import UUID

from django.db import Error, connection

from tracking.accepted import store_counts
from tracking.ownfiles import held
from tracking.spool import UNREADABLE
from tracking.tally import SUFFIX, DayCount, Tally, read_tally

logger = logging.getLogger(__name__)


class Counting:
    """The tally of this process. The event loop counts in `tally`; `tell` belongs to one other thread."""

    def __init__(self, folder: Path) -> None:
        """Raises nothing: where the folder takes no file yet, `tell` tries again."""
        self._folder = folder
        self._told: dict[Tally, list[DayCount]] = {}
        self.tally = self._new_tally()

    def tell(self) -> None:
        """Store what was counted since the last time, and all that dead processes of this host have left.

        Raises django.db.Error; nothing is forgotten then.
        """
        if not self.tally.is_on_disk and (better := self._new_tally()).is_on_disk:
            # What is in memory stays there and is told from there: the event loop may be counting at this moment.
            self.tally = better
        try:
            for tally, told in self._told.items():
                self._told[tally] = _tell_news(tally, told)
            tell_for_the_dead(self._folder)
        except Error:
            connection.close()
            raise

    def _new_tally(self) -> Tally:
        try:
            tally = Tally.in_folder(self._folder)
        except OSError as error:
            if not self._told:
                logger.error(
                    "Hits are counted in memory, where a crash forgets them: %s takes no file (%s)", self._folder, error
                )
                return self._known(Tally.in_memory())
            return self.tally
        return self._known(tally)

    def _known(self, tally: Tally) -> Tally:
        self._told[tally] = []
        return tally


def tell_for_the_dead(folder: Path) -> int:
    """Store what dead processes of this host have counted, and delete their files; how many. Raises django.db.Error."""
    return sum(_take_over(path) for path in sorted(folder.glob(f"*{SUFFIX}")))


def _tell_news(tally: Tally, told: list[DayCount]) -> list[DayCount]:
    counts = tally.counts()
    if news := [count for count in counts if count not in told]:
        store_counts(tally.id, news)
    return counts


def _take_over(path: Path) -> bool:
    try:
        with held(path) as ours:
            if ours:
                store_counts(UUID(path.stem), read_tally(path.read_bytes()))
                path.unlink()
            return ours
    except OSError as error:
        logger.error("The tally %s can't be read (%s); trying again", path, error.strerror)
    except ValueError as error:
        logger.error("The tally %s can't be used: %s", path, error)
        path.rename(path.with_suffix(UNREADABLE))
    return False
