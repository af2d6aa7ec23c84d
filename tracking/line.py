"""A connection to PostgreSQL that an event loop speaks on, and never waits for.

After libpq's asynchronous functions and its pipeline mode (PostgreSQL's manual, 32.4 and 32.5).
"""

import logging
import os
import threading
from asyncio import get_running_loop
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from select import POLLERR, POLLHUP, POLLIN, poll
from typing import Any, Final, NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

logger = logging.getLogger(__name__)

# How many rows came, or what kept them from coming: by its type, as psycopg has them.
Answer = int | Exception
_WENT_WELL: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_LOST: Final = psycopg.OperationalError("the connection was lost")
_OUT_OF_STEP: Final = psycopg.OperationalError("an answer that belongs to no question")
_HUNG_UP: Final = psycopg.OperationalError("the connection was given up")


class _Question(NamedTuple):
    statement: str
    parameters: Sequence[bytes]
    hear: Callable[[Answer], object]


class Line:
    """It connects as Django would, in a thread, when it is first needed; and again, once lost, with the next question.

    Each question is a transaction of its own. Answers come in the order of the questions; none is given up because it
    takes long. All of it is to be called in the event loop, always the same one.
    """

    def __init__(self, statements: Mapping[str, str]) -> None:
        """`statements`: what there is to ask, by names, parameters as `$1`; PostgreSQL prepares them all."""
        self._statements = statements
        self._is_coming = False
        self._connection: psycopg.Connection | None = None
        # Its socket, for the loop: libpq closes its own once the connection is lost, and the number may be another's
        # before the loop lets go of it.
        self._socket = -1
        self._asked: deque[_Question] = deque()
        self._error: PGresult | None = None
        self._rows: int | None = None
        self._is_writing = False

    def connect(self) -> None:
        """Begin to connect, before there is anything to ask."""
        if self._connection or self._is_coming:
            return
        self._is_coming = True
        loop = get_running_loop()

        def connect() -> None:
            came: psycopg.Connection | Exception
            try:
                came = _new_connection(self._statements)
            except Exception as error:
                came = error
            # A loop that is closed has nobody left who asks.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._connected, came)

        try:
            threading.Thread(target=connect, name="connecting", daemon=True).start()
        except RuntimeError as error:  # as many threads as there may be
            loop.call_soon(self._connected, error)

    def ask(self, statement: str, parameters: Sequence[bytes], hear: Callable[[Answer], object]) -> None:
        """Have the statement run with these parameters, and then `hear` called with what came of it, never at once."""
        self._asked.append(question := _Question(statement, parameters, hear))
        if self._connection:
            self._send(question)
        else:
            self.connect()

    def hang_up(self) -> None:
        """Give the connection up; who waits for an answer hears so."""
        self._lose(_HUNG_UP)

    def _lose(self, error: Exception) -> None:
        if self._connection:
            loop = get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            os.close(self._socket)
            self._connection.close()
        self._connection, self._error, self._rows, self._is_writing = None, None, None, False
        asked, self._asked = self._asked, deque()
        for question in asked:
            get_running_loop().call_soon(question.hear, error)

    def _connected(self, came: psycopg.Connection | Exception) -> None:
        self._is_coming = False
        if isinstance(came, Exception):
            self._lose(came)
            return
        try:
            self._socket = os.dup(came.fileno())
        except OSError as error:  # as many files as there may be
            came.close()
            self._lose(error)
            return
        self._connection = came
        get_running_loop().add_reader(self._socket, self._read)
        for question in list(self._asked):
            self._send(question)

    def _send(self, question: _Question) -> None:
        if not self._connection:
            return  # lost with the question before
        line = self._connection.pgconn
        try:
            line.send_query_prepared(question.statement.encode(), question.parameters)
            line.pipeline_sync()
            self._write()
        except psycopg.Error as error:
            self._lose(error)

    def _write(self) -> None:
        """Send what the socket takes, and the rest once it takes more."""
        assert self._connection
        is_left = bool(self._connection.pgconn.flush())
        if is_left and not self._is_writing:
            get_running_loop().add_writer(self._socket, self._go_on_writing)
        elif self._is_writing and not is_left:
            get_running_loop().remove_writer(self._socket)
        self._is_writing = is_left

    def _go_on_writing(self) -> None:
        try:
            self._write()
        except psycopg.Error as error:
            self._lose(error)

    def _read(self) -> None:
        connection = self._connection
        self._read_some()
        # After an error uvloop looks no more: what stands behind the data that came, the end, is to be found now.
        while self._connection is connection and _is_broken(self._socket):
            self._read_some()

    def _read_some(self) -> None:
        assert self._connection
        line = self._connection.pgconn
        try:
            line.consume_input()
            # Who hears an answer may hang up, and even ask again.
            while not line.is_busy() and self._connection and self._asked:
                if result := line.get_result():
                    self._take(result)
                elif line.status == ConnStatus.BAD:
                    raise _error_of(self._error) if self._error else _LOST
        except psycopg.Error as error:
            self._lose(error)

    def _take(self, result: PGresult) -> None:
        if result.status in _WENT_WELL:
            self._rows = result.ntuples
        elif result.status != ExecStatus.PIPELINE_SYNC:
            self._error = self._error or result
        elif self._error is None and self._rows is None:
            raise _OUT_OF_STEP
        else:
            # Only now it is committed, which may fail as well.
            answer = _error_of(self._error) if self._error else self._rows or 0
            self._error = self._rows = None
            self._tell(self._asked.popleft(), answer)

    def _tell(self, question: _Question, answer: Answer) -> None:
        try:
            question.hear(answer)
        except Exception:
            # The answers to the others are to be heard all the same.
            logger.exception("What follows from an answer of PostgreSQL failed")


def _is_broken(socket: int) -> bool:
    look = poll()
    look.register(socket, POLLIN)
    return any(events & (POLLERR | POLLHUP) for _, events in look.poll(0))


def _new_connection(statements: Mapping[str, str]) -> psycopg.Connection:
    wrapper = connections.create_connection(DEFAULT_DB_ALIAS)
    wrapper.connect()
    connection: psycopg.Connection[Any] = wrapper.connection
    for name, statement in statements.items():
        prepared = connection.pgconn.prepare(name.encode(), statement.encode())
        if prepared.status not in _WENT_WELL:
            connection.close()
            raise _error_of(prepared)
    connection.pgconn.enter_pipeline_mode()
    connection.pgconn.nonblocking = 1
    return connection


def _error_of(result: PGresult) -> psycopg.Error:
    return error_from_result(result, encoding="utf-8")
