"""The block list of a web process, kept up to date in the background, and in a file for a start without PostgreSQL."""

import logging
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from tracking.blocking import BlockList, from_json, to_json
from tracking.models import Block
from tracking.standing import Standing
from tracking.statements import run

logger = logging.getLogger(__name__)

# Blocks are made and deleted, never changed: two lists with the same number and sum of ids are the same list.
_VERSION = "SELECT count(*), coalesce(sum(id), 0), coalesce(max(id), 0) FROM tracking_block"


class Blocks(Standing):
    """What is blocked, in `current`: as the host's file has it, and once PostgreSQL answers, as that has it."""

    name = "The block list"

    def __init__(self, path: Path) -> None:
        """Raises nothing: a file that can't be used is told of, and nothing is blocked until PostgreSQL answers."""
        super().__init__(path)
        self._version: tuple[Any, ...] | None = None
        self._text = self._saved = self._read()
        self.current = _parsed(self._text, path)

    def take_over(self) -> None:
        """Take over what has changed since the last time. Raises django.db.Error; the list stays as it is then."""
        (version,) = run(_VERSION)
        if version != self._version:
            pairs = list(Block.objects.values_list("kind", "value"))
            self.current, self._text, self._version = BlockList.of(pairs), to_json(pairs).encode(), version

    def save(self) -> None:
        """Keep the list in the host's file, if it has changed."""
        if self._saved != self._text and self._write(self._text):
            self._saved = self._text


@cache
def blocks() -> Blocks:
    """The block list of this process."""
    return Blocks(settings.BLOCK_FILE)


def _parsed(text: bytes, path: Path) -> BlockList:
    try:
        return from_json(text.decode()) if text else BlockList()
    except ValueError as error:
        logger.error(
            "The block list in %s can't be used (%s): nothing is blocked until PostgreSQL answers", path, error
        )
        return BlockList()
