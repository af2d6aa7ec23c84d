"""What stands in a spool, and who stores it."""

from pathlib import Path

from tracking.hits import Hit
from tracking.spool import Spool


def stored_by(spool: Spool) -> list[Hit]:
    stored: list[Hit] = []

    def store(hits: list[Hit]) -> list[Hit]:
        stored.extend(hits)
        return []

    assert spool.replay(store) == len(stored)
    return stored


def names(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())
