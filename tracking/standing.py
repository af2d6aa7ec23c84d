"""What a web process goes by while PostgreSQL is away: refreshed in the background, and kept in a file of the host."""

import logging
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from time import sleep

from django.db import Error, connection

from tracking.seldom import Seldom

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 2.0


class Standing(ABC):
    """Something that PostgreSQL knows and each hit asks for: as the host's file has it until PostgreSQL answers."""

    # What it is, at the beginning of a sentence.
    name: str

    def __init__(self, path: Path) -> None:
        """Raises nothing: a file that can't be used is told of."""
        self._path = path
        self._may_tell = Seldom(60.0)

    @abstractmethod
    def take_over(self) -> None:
        """Take over what has changed since the last time. Raises django.db.Error; all stays as it is then."""

    @abstractmethod
    def save(self) -> None:
        """Keep in the file what is not in it yet."""

    def refresh(self) -> None:
        """Take over what has changed, and keep it. Raises django.db.Error; all stays as it is then."""
        try:
            self.take_over()
        except Error:
            connection.close()
            raise
        self.save()

    def refresh_if_possible(self) -> None:
        """Like `refresh`; tells of what goes wrong, once a minute, instead of raising it."""
        try:
            self.refresh()
        except Error as error:
            if self._may_tell():
                logger.warning("%s can't be read; the last one stays: %s", self.name, str(error).strip())
        except Exception:
            if self._may_tell():
                logger.exception("%s can't be used; the last one stays", self.name)

    def _write(self, content: bytes) -> bool:
        """Whether the file now holds this, for this user only. What a killed process left half-written is not read."""
        draft = self._path.with_suffix(f".{os.getpid()}")
        try:
            _write(draft, content)
            draft.replace(self._path)
        except OSError as error:
            if self._may_tell():
                logger.error("%s can't be kept in %s: %s", self.name, self._path, error)
            return False
        return True

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            logger.error("%s in %s can't be read (%s)", self.name, self._path, error)
            return b""


def keep_fresh(standing: Sequence[Standing]) -> None:
    """Keep these no older than REFRESH_SECONDS while PostgreSQL answers, in a thread of their own."""
    threading.Thread(target=_refresh_for_ever, args=[standing], name="standing", daemon=True).start()


def _refresh_for_ever(standing: Sequence[Standing]) -> None:
    while True:
        for each in standing:
            each.refresh_if_possible()
        sleep(REFRESH_SECONDS)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as output:
        output.write(content)
        output.flush()
        os.fsync(file)
