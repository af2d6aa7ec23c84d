"""Hits on disk, for as long as PostgreSQL can't take them.

Each process appends to a file of its own, which it holds with flock. A file that nobody holds, its owner's or a dead
process's, is replayed by whichever process of the host locks it first. Hits keep their ids, so replaying twice is safe.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from uuid import uuid4

from tracking.hits import Hit

logger = logging.getLogger(__name__)

# Stores hits and gives back those that can't ever be stored; raises when the storing may work later.
Store = Callable[[list[Hit]], list[Hit]]

AT_ONCE = 500


class Spool:
    """The spool in one folder. All methods may be called from many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._file: int | None = None
        self._written = self._synced = 0

    def append(self, hit: Hit) -> None:
        """Keep the hit: it is on disk when this returns. Raises OSError when it can't be (disk full, no permission)."""
        with self._writing:
            if self._file is None:
                self._file = self._open()
            _write_whole(self._file, hit.to_line())
            self._written += 1
            mine = self._written
        self._sync(mine)

    def replay(self, store: Store) -> int:
        """Store what every file that nobody holds has, and delete it; how many hits that were. Raises what `store` does."""
        self._let_go()
        return sum(self._replay_file(path, store) for path in sorted(self._folder.glob("*.hits")))

    def _sync(self, mine: int) -> None:
        # Whoever gets the lock syncs for all that wrote before it.
        with self._syncing:
            if self._file is not None and self._synced < mine:
                written = self._written
                os.fsync(self._file)
                self._synced = written

    def _open(self) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = uuid4().hex
        draft = self._folder / f"{name}.new"
        file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        # It gets its name once it is locked: until then another process could take it for a dead one's and delete it.
        fcntl.flock(file, fcntl.LOCK_EX)
        draft.rename(self._folder / f"{name}.hits")
        _sync_folder(self._folder)
        return file

    def _let_go(self) -> None:
        with self._writing, self._syncing:
            if self._file is not None:
                os.fsync(self._file)
                os.close(self._file)
                self._file = None
                self._synced = self._written

    def _replay_file(self, path: Path, store: Store) -> int:
        with _held(path) as held:
            if not held:
                return 0
            stored = 0
            with path.open("rb") as lines:
                hits = self._readable(path, lines)
                while batch := list(islice(hits, AT_ONCE)):
                    refused = store(batch)
                    self._set_aside(path, ".refused", [hit.to_line() for hit in refused])
                    stored += len(batch) - len(refused)
            path.unlink()
            logger.info("Replayed %d hits from the spool", stored)
            return stored

    def _readable(self, path: Path, lines: Iterable[bytes]) -> Iterator[Hit]:
        for line in lines:
            try:
                yield Hit.from_line(line)
            except ValueError:
                # The last line of a process that died while writing: nobody was answered for it. Anything else is damage.
                logger.error("A line of the spool can't be read; kept in %s.unreadable", path.stem)
                self._set_aside(path, ".unreadable", [line])

    def _set_aside(self, path: Path, suffix: str, lines: list[bytes]) -> None:
        if lines:
            file = os.open(path.with_suffix(suffix), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            try:
                _write_whole(file, b"".join(lines))
                os.fsync(file)
            finally:
                os.close(file)


def _write_whole(file: int, line: bytes) -> None:
    """Append all of it or nothing: half a line would spoil the one after it."""
    size = os.fstat(file).st_size
    try:
        if os.write(file, line) != len(line):
            raise OSError("The disk took only part of a line")
    except OSError:
        os.ftruncate(file, size)
        raise


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Whether we hold the file now: not so when another process does, or has replayed and deleted it meanwhile."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield os.fstat(file).st_nlink > 0
    except BlockingIOError:
        yield False
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    """Make new names in the folder survive a power cut, too."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
