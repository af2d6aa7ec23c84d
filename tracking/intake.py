"""Where hits come in: recorded, else spooled, else (only when the disk refuses too) counted as lost."""

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from time import sleep

from django.conf import settings
from django.db import Error, connection

from tracking.counting import Counting
from tracking.crew import Crew
from tracking.hits import Hit
from tracking.linksseen import Head, note_heads
from tracking.losses import Losses
from tracking.recorder import Recorder
from tracking.ruling import judge
from tracking.seen import LOST, SPOOLED
from tracking.seldom import Seldom
from tracking.spool import Spool
from tracking.steps import log_events
from tracking.storing import store_hits
from tracking.threads import Threads

logger = logging.getLogger(__name__)

REPLAY_SECONDS = 1.0
DISK_SECONDS = 1.0
# It says that it waits, for as long as it does.
TELL_SECONDS = 60.0


class Intake:
    """Takes hits for one process, and looks after the spool and the tallies of its host in the background."""

    def __init__(self, recorder: Recorder, spool: Spool, counting: Counting) -> None:
        self._recorder = recorder
        self._spool = spool
        self._counting = counting
        self._spooler = Crew(Threads("spooler", 1, self._append), DISK_SECONDS)
        self._heads = Crew(Threads("heads", 1, _note_heads), DISK_SECONDS)
        self._losses = Losses()
        threading.Thread(target=self._replay_for_ever, name="spool-replay", daemon=True).start()

    def get_ready(self) -> None:
        """Begin to connect, so that the first hit need not wait for it. To be called in the event loop."""
        self._recorder.connect()

    async def take(self, hit: Hit) -> bool:
        """Keep the hit, within the recorder's patience and DISK_SECONDS at the most, and count it. Raises nothing.

        False when it is lost: neither PostgreSQL nor the disk took it.
        """
        if not await self._recorder.record(hit) and (trouble := await self._spooler.hand(hit)):
            LOST[hit.type] += 1
            self.lose(hit.occurred_at)
            self._losses.add(hit, trouble)
            return False
        self._counting.tally.keep(hit.occurred_at.toordinal())
        return True

    def note_head(self, hit: Hit) -> None:
        """Remember the HEAD request that this hit would be, soon and without anybody waiting for it.

        Scanners ask so before they come for good. While PostgreSQL is away it is forgotten. In the event loop only.
        """
        if not self._recorder.is_bypassed:
            self._heads.hand(hit)

    def lose(self, moment: datetime) -> None:
        """Count a hit of that moment (UTC) as lost."""
        self._counting.tally.lose(moment.toordinal())

    def _append(self, hits: Sequence[Hit]) -> Sequence[Hit]:
        self._spool.append_all(hits)
        SPOOLED.update(hit.type for hit in hits)
        log_events(logger, "is spooled", (hit.id for hit in hits))
        return ()

    def _replay_for_ever(self) -> None:
        may_tell = Seldom(TELL_SECONDS)
        while True:
            sleep(REPLAY_SECONDS)
            try:
                self._look_after()
            except (Error, OSError) as error:
                if may_tell():
                    logger.warning("The spool waits: %s", str(error).strip())
            except Exception:
                logger.exception("The spool could not be replayed; trying again")

    def _look_after(self) -> None:
        self._recorder.probe()
        if not self._recorder.is_bypassed:
            self._counting.tell()
            self._spool.replay(store_hits)


def _note_heads(hits: Sequence[Hit]) -> Sequence[Hit]:
    rules = judge().limits
    try:
        # A person who opens a link in an Office program has it asked for by that program first.
        note_heads([_head(hit) for hit in hits if not rules.checks_links(str(hit.data.get("useragent", "")))])
    except Error:
        # A verdict that is less sure is no loss; the recorder tells of a PostgreSQL that is away.
        connection.close()
    return ()


def _head(hit: Hit) -> Head:
    return Head(hit.message, int(hit.data.get("link", 0)), hit.id.int >> 80, str(hit.data.get("ip", "")))


@cache
def intake() -> Intake:
    """The intake of this process."""
    folder = settings.SPOOL_DIR
    recorder = Recorder(settings.RECORDER_CONNECTIONS, settings.HIT_WAIT_SECONDS)
    return Intake(recorder, Spool(folder), Counting(folder))
