"""What lies in a host's spool folder, for those who look after it."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final
from uuid import uuid4

from tracking.hits import Hit
from tracking.ownfiles import sync_folder
from tracking.spool import REFUSED, SUFFIX, UNREADABLE


class State(Enum):
    """What a file of the spool is, in the words that people are shown."""

    HELD = "held"
    WAITING = "waiting"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


KEPT: Final = frozenset({State.HELD, State.WAITING, State.REFUSED})


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A file as it stands now: its state and its size in bytes."""

    path: Path
    state: State
    size: int


@dataclass(frozen=True, slots=True)
class Content:
    """What a file has: whole hits, lines that hold none, and when (UTC) the oldest hit happened."""

    hits: int
    unreadable: int
    oldest: datetime | None


def spool_files(folder: Path) -> list[SpoolFile]:
    """The files of a spool folder by name; none where there is no folder. Raises OSError."""
    if not folder.exists():
        return []
    named = [path for path in sorted(folder.iterdir()) if path.suffix in (SUFFIX, REFUSED, UNREADABLE)]
    return [file for path in named if (file := _file(path))]


def hits_in(path: Path) -> Iterator[Hit]:
    """The whole hits of a file; none when it has been dealt with meanwhile. Raises OSError."""
    for line in _lines(path):
        try:
            yield Hit.from_line(line)
        except ValueError:
            continue


def content_of(path: Path) -> Content:
    """Read a file from end to end. Raises OSError."""
    hits, oldest = 0, None
    for hit in hits_in(path):
        hits += 1
        oldest = min(oldest or hit.occurred_at, hit.occurred_at)
    return Content(hits, sum(1 for _ in _lines(path)) - hits, oldest)


def put_back(path: Path) -> Path:
    """Have refused hits replayed like any others; the file's new name. Raises OSError."""
    waiting = path.with_suffix(SUFFIX)
    if waiting.exists():
        waiting = path.with_name(f"{uuid4().hex}{SUFFIX}")
    path.rename(waiting)
    sync_folder(path.parent)
    return waiting


def _file(path: Path) -> SpoolFile | None:
    try:
        state = State.HELD if path.suffix == SUFFIX and _is_held(path) else _STATES[path.suffix]
        return SpoolFile(path, state, path.stat().st_size)
    except FileNotFoundError:
        return None


_STATES = {SUFFIX: State.WAITING, REFUSED: State.REFUSED, UNREADABLE: State.UNREADABLE}


def _is_held(path: Path) -> bool:
    file = os.open(path, os.O_RDONLY)
    try:
        # Shared, and given back at once: whoever wants to replay it meanwhile takes it the next time round.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as lines:
            yield from lines
    except FileNotFoundError:
        return
