"""The files in `processes` of the data folder: when each process of the host last moved, and what it has counted.

The time of a `.alive` file is the system's uptime (CLOCK_MONOTONIC, the same for all processes of a machine), so that
a clock that is set declares nobody dead; and writing a time works on a full disk, too. A process holds a lock on its
own: the system takes that back however the process ends, while its id may soon be another's.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import CLOCK_MONOTONIC, clock_gettime_ns
from typing import NamedTuple

ALIVE, COUNTS = ".alive", ".counts"
_SECOND = 1_000_000_000
# The open files of this process, locked.
_held: dict[Path, int] = {}


class Sign(NamedTuple):
    """When a process last moved: seconds ago, infinity where that was before the machine started."""

    name: str
    age: float


def folder(var: Path) -> Path:
    """Where the files are, in the data folder."""
    return var / "processes"


def touch(place: Path, name: str) -> None:
    """Say that the process of this name moves. Raises OSError."""
    path = place / f"{name}{ALIVE}"
    if path not in _held or not path.exists():
        _hold(path)
    uptime = clock_gettime_ns(CLOCK_MONOTONIC)
    os.utime(path, ns=(uptime, uptime))


def forget(place: Path, name: str) -> None:
    """Delete what the process of this name has written: it has ended."""
    _let_go(place / f"{name}{ALIVE}")
    for suffix in (ALIVE, COUNTS):
        (place / f"{name}{suffix}").unlink(missing_ok=True)


def forget_dead(place: Path, kind: str) -> None:
    """The same for processes of a kind that were killed."""
    for sign in of_kind(signs(place), kind):
        if not _is_held(place / f"{sign.name}{ALIVE}"):
            forget(place, sign.name)


def signs(place: Path) -> list[Sign]:
    """The processes that have written here and have not ended in order, by name."""
    uptime = clock_gettime_ns(CLOCK_MONOTONIC)
    found = ((path.stem, moment) for path in place.glob(f"*{ALIVE}") if (moment := _moment(path)) is not None)
    return sorted(Sign(name, _seconds(uptime - moment)) for name, moment in found)


def of_kind(found: list[Sign], kind: str) -> list[Sign]:
    """Those of a name, or of a name and a process id behind a hyphen, as the several processes of `web` have it."""
    return [each for each in found if each.name == kind or each.name.rpartition("-")[0] == kind]


def write_counts(place: Path, name: str, counts: Mapping[str, Mapping[str, float]]) -> None:
    """Publish what the process has counted since it started, by what is counted and label. Raises OSError."""
    draft = place / f"{name}.{os.getpid()}.new"
    try:
        draft.write_text(json.dumps(counts))
        draft.replace(place / f"{name}{COUNTS}")
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def counts(place: Path) -> Iterator[tuple[str, dict[str, dict[str, float]]]]:
    """What each process of the host has counted, by its name."""
    for path in sorted(place.glob(f"*{COUNTS}")):
        try:
            yield path.stem, json.loads(path.read_text())
        except (OSError, ValueError):
            # It ended at this moment.
            continue


def _hold(path: Path) -> None:
    _let_go(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _held[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(_held[path], fcntl.LOCK_SH)


def _let_go(path: Path) -> None:
    if (held := _held.pop(path, None)) is not None:
        os.close(held)


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _moment(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _seconds(nanoseconds: int) -> float:
    return nanoseconds / _SECOND if nanoseconds >= 0 else float("inf")
