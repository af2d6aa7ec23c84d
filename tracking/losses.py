"""The alarm for hits that are lost: at once, and then once a second at most. The disk may be full already."""

import logging
from asyncio import TimerHandle, get_running_loop
from typing import Final

from tracking.hits import Hit

logger = logging.getLogger(__name__)

TELL_SECONDS: Final = 1.0


class Losses:
    """Counts the hits that are lost, for the log. To be used in the event loop."""

    def __init__(self) -> None:
        self._number = self._told = 0
        self._timer: TimerHandle | None = None

    def add(self, hit: Hit, trouble: Exception) -> None:
        """One more, which nothing took."""
        self._number += 1
        self._last = hit.id, trouble
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        self._timer = None
        if self._told == self._number:
            return
        id, trouble = self._last
        logger.critical(
            "Hit %s is lost, number %d since the start: neither PostgreSQL nor the spool takes it (%s). "
            "Make room on the disk of SPOOL_DIR, or give the process the right to write there.",
            id,
            self._number,
            trouble,
            extra={"event": id},
        )
        self._told = self._number
        self._timer = get_running_loop().call_later(TELL_SECONDS, self._tell)
