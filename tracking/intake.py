"""Where hits come in: recorded, else spooled, else (only when the disk refuses too) counted as lost."""

import logging
import threading
from functools import cache
from itertools import count
from time import sleep

from django.conf import settings
from django.db import Error

from tracking.hits import Hit
from tracking.recorder import Recorder, store_hits
from tracking.spool import Spool

logger = logging.getLogger(__name__)

REPLAY_SECONDS = 1.0


class Intake:
    """Takes hits for one process and replays the spool of its host in the background."""

    def __init__(self, recorder: Recorder, spool: Spool) -> None:
        self._recorder = recorder
        self._spool = spool
        self._lost = count(1)
        threading.Thread(target=self._replay_for_ever, name="spool-replay", daemon=True).start()

    def take(self, hit: Hit) -> None:
        """Keep the hit, within the recorder's patience and the time of a write to disk. Raises nothing."""
        if self._recorder.record(hit):
            return
        try:
            self._spool.append(hit)
        except OSError as error:
            logger.critical(
                "Hit %s is lost, number %d since the start: neither PostgreSQL nor the spool takes it (%s). "
                "Make room on the disk of SPOOL_DIR, or give the process the right to write there.",
                hit.id,
                next(self._lost),
                error,
            )

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
