"""Hearing, from PostgreSQL, that there is something to do in lanes that an engine holds."""

import logging
import threading
from collections.abc import Callable, Sequence
from time import sleep

import psycopg
from django.db import Error, connection

from feedbackloops.queries import CHANNEL

logger = logging.getLogger(__name__)

# How often the thread looks whether it shall end.
LISTEN_SECONDS = 1.0
RECOVER_SECONDS = 0.5


class Listener:
    """A thread that waits for notices (LISTEN), on a connection of its own.

    A notice that is lost costs only time: a lane is looked into every few seconds, and before it is given back.
    """

    def __init__(self, on_heard: Callable[[Sequence[int]], None]) -> None:
        """`on_heard` gets the loops of each notice, in the listener's thread."""
        self._on_heard = on_heard
        self._stopped = False
        self._thread = threading.Thread(target=self._listen_for_ever, name="listener", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Have the thread end within about LISTEN_SECONDS."""
        self._stopped = True

    def _listen_for_ever(self) -> None:
        while not self._stopped:
            try:
                self._listen()
            except (Error, psycopg.Error, ValueError) as error:
                logger.debug("Notices are not heard for a moment: %s", error)
            except Exception:
                # Without the thread every delivery would take seconds more, and nobody would know why.
                logger.exception("Notices could not be heard; trying again")
            connection.close()
            if not self._stopped:
                sleep(RECOVER_SECONDS)

    def _listen(self) -> None:
        connection.ensure_connection()
        line: psycopg.Connection = connection.connection
        line.execute(f"LISTEN {CHANNEL}")
        while not self._stopped:
            for notice in line.notifies(timeout=LISTEN_SECONDS):
                self._on_heard([int(loop) for loop in notice.payload.split(",")])
