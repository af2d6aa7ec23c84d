"""Hits on disk, for as long as PostgreSQL can't take them.

Each process appends to a file of its own, which it holds with flock. A file that nobody holds, its owner's or a dead
process's, is replayed by whichever process of the host locks it first. Hits keep their ids, so replaying twice is safe.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tracking.hits import Hit
from tracking.ownfiles import held, make_own, sync_folder, write_whole

logger = logging.getLogger(__name__)

# Stores hits and gives back those that can't ever be stored; raises when the storing may work later.
Store = Callable[[list[Hit]], list[Hit]]

AT_ONCE = 500
SUFFIX, REFUSED, UNREADABLE = ".hits", ".refused", ".unreadable"


class Spool:
    """The spool in one folder. All methods may be called from many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._file: int | None = None
        self._written = self._synced = self._failed = 0

    def append_all(self, hits: Sequence[Hit]) -> None:
        """Keep the hits: they are on disk when this returns, for the price of one fsync.

        Raises OSError when they can't be (disk full, no permission); then none of them counts as kept.
        """
        lines = b"".join(hit.to_line() for hit in hits)
        with self._writing:
            if self._file is None:
                self._file, _ = make_own(self._folder, SUFFIX)
            write_whole(self._file, lines)
            self._written += len(hits)
            mine = self._written
        self._sync(mine)

    def replay(self, store: Store) -> int:
        """Store what every file that nobody holds has, and delete it; how many hits. Raises what `store` does."""
        self._let_go()
        return sum(self._try_to_replay(path, store) for path in sorted(self._folder.glob(f"*{SUFFIX}")))

    def _sync(self, mine: int) -> None:
        # Whoever gets the lock syncs for all that wrote before it.
        with self._syncing:
            if self._synced < mine <= self._failed:
                raise OSError("The disk did not take what was written")
            if self._file is not None and self._synced < mine:
                self._sync_file(self._file)

    def _sync_file(self, file: int) -> None:
        written = self._written
        try:
            os.fsync(file)
        except OSError:
            # Linux tells of a failed write once and takes it for done the next time: what waits with us has failed too.
            self._failed = self._drop_file()
            raise
        self._synced = written

    def _drop_file(self) -> int:
        """Write no more to the file, and let others have it; how many lines were written by now."""
        with self._writing:
            if self._file is not None:
                os.close(self._file)
                self._file = None
            return self._written

    def _let_go(self) -> None:
        with self._syncing:
            if self._file is None:
                return
            with self._writing:
                # Another line between the sync and the close would count as kept without having been synced.
                try:
                    os.fsync(self._file)
                    self._synced = self._written
                except OSError:
                    self._failed = self._written
                    raise
                finally:
                    os.close(self._file)
                    self._file = None

    def _try_to_replay(self, path: Path, store: Store) -> int:
        try:
            with held(path) as ours:
                return _replay_file(path, store) if ours else 0
        except OSError as error:
            logger.error("The spool file %s can't be replayed (%s); trying again", path, error.strerror)
            return 0


def _replay_file(path: Path, store: Store) -> int:
    stored, refused, unreadable = 0, list[bytes](), list[bytes]()
    with path.open("rb") as lines:
        hits = _readable(lines, unreadable)
        while batch := list(islice(hits, AT_ONCE)):
            bad = store(batch)
            refused += [hit.to_line() for hit in bad]
            stored += len(batch) - len(bad)
    # Only now, with all of the file stored: the next try would set the same lines aside once more.
    _set_aside(path.with_suffix(REFUSED), refused)
    _set_aside(path.with_suffix(UNREADABLE), unreadable)
    path.unlink()
    logger.info("Replayed %d hits from the spool", stored)
    return stored


def _readable(lines: Iterable[bytes], unreadable: list[bytes]) -> Iterator[Hit]:
    for line in lines:
        try:
            yield Hit.from_line(line)
        except ValueError:
            # The last line of a process that died while writing (nobody was answered for it), or damage.
            unreadable.append(line)


def _set_aside(path: Path, lines: list[bytes]) -> None:
    if not lines:
        return
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        write_whole(file, b"".join(lines))
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(path.parent)
    logger.error("What could not be stored from the spool is kept in %s (lines: %d)", path, len(lines))
