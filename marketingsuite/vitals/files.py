"""The files in `processes` of the data folder: when each process of the host last moved, and what it has counted.

The time of a `.alive` file is the system's uptime (CLOCK_MONOTONIC, the same for all processes of a machine), so that
a clock that is set declares nobody dead; and writing a time works on a full disk, too.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import CLOCK_MONOTONIC, clock_gettime_ns
from typing import NamedTuple

ALIVE, COUNTS = ".alive", ".counts"
_SECOND = 1_000_000_000


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
    uptime = clock_gettime_ns(CLOCK_MONOTONIC)
    try:
        os.utime(path, ns=(uptime, uptime))
    except FileNotFoundError:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        os.utime(path, ns=(uptime, uptime))


def forget(place: Path, name: str) -> None:
    """Delete what the process of this name has written: it has ended in order."""
    for suffix in (ALIVE, COUNTS):
        (place / f"{name}{suffix}").unlink(missing_ok=True)


def forget_dead(place: Path, kind: str) -> None:
    """The same for processes of a kind, named after their ids, that were killed."""
    for sign in of_kind(signs(place), kind):
        number = sign.name.rpartition("-")[2]
        if number.isdigit() and not Path(f"/proc/{number}").exists():
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


def _moment(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _seconds(nanoseconds: int) -> float:
    return nanoseconds / _SECOND if nanoseconds >= 0 else float("inf")
