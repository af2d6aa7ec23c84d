"""Telling whoever watches the outbox what was put there: a notice costs much less than a task, and needs no broker.

That somebody watches is an advisory lock, which ends with the connection that holds it. Nothing hangs on a notice: what
one is lost for still stands in the outbox.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import psycopg
from django.db import connection

from tracking.statements import run

CHANNEL: Final = "outbox"
# A number of our own among the database's advisory locks.
_LOCK: Final = 0x6F757462
# Of more events than these a task is worth its price; and a notice has 8000 bytes.
TOLD_AT_ONCE: Final = 15
# A watcher that is frozen loses its connection, and others take its place.
FROZEN_SECONDS: Final = 3

_TELL = f"SELECT pg_notify('{CHANNEL}', %(ids)s) WHERE NOT pg_try_advisory_xact_lock_shared({_LOCK})"
# For a Line, with what `told` gives; a row comes where somebody watches.
TELL: Final = _TELL % {"ids": "$1"}


def tell(ids: Sequence[UUID]) -> bool:
    """Tell whoever watches of these few events, which are committed; whether anybody does. Raises django.db.Error."""
    return 0 < len(ids) <= TOLD_AT_ONCE and bool(run(_TELL, ids=told(ids)))


def told(ids: Sequence[UUID]) -> str:
    """What a notice of these events says."""
    return ",".join([id.hex for id in ids])


def watch() -> psycopg.Connection | None:
    """Begin to watch, on this thread's connection; None where somebody does, or nothing can be heard.

    The connection is to be used once within FROZEN_SECONDS, and to be closed afterwards, in either case. Raises
    django.db.Error or psycopg.Error.
    """
    connection.ensure_connection()
    line: psycopg.Connection = connection.connection
    # Behind a pool that hands connections around, notices are not heard, and a lock would outlast us.
    if _asked(line, "SELECT pg_backend_pid()") != line.info.backend_pid:
        return None
    for limit in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
        line.execute(f"SET {limit} = '{FROZEN_SECONDS}s'")
    # First to hear and then to say so: else what is told in between would be heard by nobody.
    line.execute(f"LISTEN {CHANNEL}")
    return line if _asked(line, f"SELECT pg_try_advisory_lock({_LOCK})") else None


def unwatch(line: psycopg.Connection) -> None:
    """Let others watch; notices that were sent until now can still be heard. Raises psycopg.Error."""
    _asked(line, f"SELECT pg_advisory_unlock({_LOCK})")


def ids_in(notice: psycopg.Notify) -> list[UUID]:
    """The events that a notice tells of. Raises ValueError for one that is none of ours."""
    return [UUID(id) for id in notice.payload.split(",")]


def _asked(line: psycopg.Connection, question: str) -> object:
    row = line.execute(question).fetchone()
    return row and row[0]
