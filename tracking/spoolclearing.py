"""Taking the hits of some messages out of a host's spool."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tracking.ownfiles import held, sync_folder
from tracking.spoolfiles import State, spool_files


def clear_spool(folder: Path, is_theirs: Callable[[bytes], bool]) -> int:
    """Leave out of all files the lines that are theirs; how many there were. Raises OSError.

    A file that a living process holds is left to it: what comes of its hits is dealt with once they are replayed.
    """
    files = [file for file in spool_files(folder) if file.state is not State.HELD]
    return sum(_clear(file.path, is_theirs) for file in files)


def count_in_spool(folder: Path, is_theirs: Callable[[bytes], bool]) -> int:
    """How many lines `clear_spool` would leave out by now. Raises OSError."""
    files = [file for file in spool_files(folder) if file.state is not State.HELD]
    return sum(sum(map(is_theirs, _lines(file.path))) for file in files)


def is_in_spool(path: Path, is_theirs: Callable[[bytes], bool]) -> bool:
    """Whether a file has a line that is theirs; not so where it was dealt with meanwhile. Raises OSError."""
    return any(map(is_theirs, _lines(path)))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as lines:
            yield from lines
    except FileNotFoundError:
        return


def _clear(path: Path, is_theirs: Callable[[bytes], bool]) -> int:
    with held(path) as ours:
        if not ours or not is_in_spool(path, is_theirs):
            return 0
        # Whoever looks for the file finds either the old or the new one, whole.
        draft = path.with_name(f"{path.name}.new")
        theirs = _write_rest(path, draft, is_theirs)
        draft.rename(path)
        sync_folder(path.parent)
        return theirs


def _write_rest(path: Path, draft: Path, is_theirs: Callable[[bytes], bool]) -> int:
    theirs, owner = 0, path.stat()
    with (
        path.open("rb") as lines,
        os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as rest,
    ):
        # Root may run this, and the web process is to read it.
        os.fchown(rest.fileno(), owner.st_uid, owner.st_gid)
        for line in lines:
            if is_theirs(line):
                theirs += 1
            else:
                rest.write(line)
        rest.flush()
        os.fsync(rest.fileno())
    return theirs
