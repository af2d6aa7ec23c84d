"""The block list of a web process, kept up to date in the background, and in a file for a start without PostgreSQL."""

import logging
import os
import threading
from functools import cache
from pathlib import Path
from time import sleep
from typing import Any

from django.conf import settings
from django.db import Error, connection

from tracking.blocking import BlockList, from_json, to_json
from tracking.models import Block
from tracking.seldom import Seldom
from tracking.statements import run

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 2.0
# Blocks are made and deleted, never changed: two lists with the same number and sum of ids are the same list.
_VERSION = "SELECT count(*), coalesce(sum(id), 0), coalesce(max(id), 0) FROM tracking_block"


class Blocks:
    """What is blocked, in `current`: as the host's file has it, and once PostgreSQL answers, as that has it."""

    def __init__(self, path: Path) -> None:
        """Raises nothing: a file that can't be used is told of, and nothing is blocked until PostgreSQL answers."""
        self._path = path
        self._version: tuple[Any, ...] | None = None
        self._text = self._saved = _read(path)
        self._may_tell = Seldom(60.0)
        self.current = _parsed(self._text, path)

    def start(self) -> None:
        """Keep `current` no older than REFRESH_SECONDS while PostgreSQL answers."""
        threading.Thread(target=self._refresh_for_ever, name="blocks", daemon=True).start()

    def refresh(self) -> None:
        """Take over what has changed since the last time. Raises django.db.Error; the list stays as it is then."""
        try:
            (version,) = run(_VERSION)
            if version != self._version:
                pairs = list(Block.objects.values_list("kind", "value"))
                self.current, self._text, self._version = BlockList.of(pairs), to_json(pairs), version
        except Error:
            connection.close()
            raise
        if self._saved != self._text:
            self._save()

    def _save(self) -> None:
        draft = self._path.with_suffix(f".{os.getpid()}")
        try:
            _write(draft, self._text)
            draft.replace(self._path)
        except OSError as error:
            if self._may_tell():
                logger.error("The block list can't be kept in %s: %s", self._path, error)
            return
        self._saved = self._text

    def _refresh_for_ever(self) -> None:
        while True:
            try:
                self.refresh()
            except Error as error:
                if self._may_tell():
                    logger.warning("The block list can't be read; the last one stays: %s", str(error).strip())
            except Exception:
                if self._may_tell():
                    logger.exception("The block list can't be used; the last one stays")
            sleep(REFRESH_SECONDS)


@cache
def blocks() -> Blocks:
    """The block list of this process."""
    return Blocks(settings.BLOCK_FILE)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        logger.error("The block list in %s can't be read (%s)", path, error)
        return ""


def _parsed(text: str, path: Path) -> BlockList:
    try:
        return from_json(text) if text else BlockList()
    except ValueError as error:
        logger.error(
            "The block list in %s can't be used (%s): nothing is blocked until PostgreSQL answers", path, error
        )
        return BlockList()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as output:
        output.write(text)
        output.flush()
        os.fsync(file)
