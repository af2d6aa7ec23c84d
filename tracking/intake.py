"""Where hits come in: recorded, else spooled, else (only when the disk refuses too) counted as lost."""

import logging
import threading
from collections.abc import Sequence
from functools import cache
from itertools import count
from time import sleep

from django.conf import settings
from django.db import Error

from tracking.crew import Crew
from tracking.hits import Hit
from tracking.recorder import Recorder, store_hits
from tracking.seen import LOST, SPOOLED
from tracking.spool import Spool
from tracking.steps import log_events

logger = logging.getLogger(__name__)

REPLAY_SECONDS = 1.0
DISK_SECONDS = 1.0


class Intake:
    """Takes hits for one process and replays the spool of its host in the background."""

    def __init__(self, recorder: Recorder, spool: Spool) -> None:
        self._recorder = recorder
        self._spool = spool
        self._spooler = Crew("spooler", 1, DISK_SECONDS, self._append)
        self._lost = count(1)
        threading.Thread(target=self._replay_for_ever, name="spool-replay", daemon=True).start()

    async def take(self, hit: Hit) -> None:
        """Keep the hit, within the recorder's patience and DISK_SECONDS at the most. Raises nothing."""
        if await self._recorder.record(hit):
            return
        if trouble := await self._spooler.hand(hit):
            LOST[hit.type] += 1
            logger.critical(
                "Hit %s is lost, number %d since the start: neither PostgreSQL nor the spool takes it (%s). "
                "Make room on the disk of SPOOL_DIR, or give the process the right to write there.",
                hit.id,
                next(self._lost),
                trouble,
                extra={"event": hit.id},
            )

    def _append(self, hits: Sequence[Hit]) -> Sequence[Hit]:
        self._spool.append_all(hits)
        SPOOLED.update(hit.type for hit in hits)
        log_events(logger, "is spooled", (hit.id for hit in hits))
        return ()

    def _replay_for_ever(self) -> None:
        while True:
            sleep(REPLAY_SECONDS)
            try:
                self._spool.replay(store_hits)
            except (Error, OSError) as error:
                logger.warning("The spool waits: %s", str(error).strip())
            except Exception:
                logger.exception("The spool could not be replayed; trying again")


@cache
def intake() -> Intake:
    """The intake of this process."""
    return Intake(Recorder(settings.RECORDER_THREADS, settings.HIT_WAIT_SECONDS), Spool(settings.SPOOL_DIR))
