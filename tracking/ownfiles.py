"""Files that belong to one living process of the host, by flock: once it is dead, whoever locks one first has it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4


def make_own(folder: Path, suffix: str, content: bytes = b"") -> tuple[int, UUID]:
    """A new file of ours: its descriptor, open for appending and reading, and the id that it is named after.

    It is ours until the descriptor is closed. Raises OSError, and leaves nothing open then.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    id = uuid4()
    draft = folder / f"{id.hex}.new"
    file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, 0o600)
    try:
        write_whole(file, content)
        # It gets its name once it is locked: until then another process could take it for a dead one's.
        fcntl.flock(file, fcntl.LOCK_EX)
        draft.rename(folder / f"{id.hex}{suffix}")
        sync_folder(folder)
    except OSError:
        draft.unlink(missing_ok=True)
        os.close(file)
        raise
    return file, id


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Whether we hold the file now: not so when another process does, or has dealt with it and deleted it meanwhile."""
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


def write_whole(file: int, content: bytes) -> None:
    """Append all of it or nothing: half a line would spoil the one after it. Raises OSError."""
    size = os.fstat(file).st_size
    try:
        if os.write(file, content) != len(content):
            raise OSError("The disk took only part of what was written")
    except OSError:
        os.ftruncate(file, size)
        raise


def sync_folder(folder: Path) -> None:
    """Make new names in the folder survive a power cut, too."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
