"""Running the statements of the hot paths: prepared and planned once, on Django's connection of this thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, InternalError, OperationalError, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import Connection, Cursor

# Each of these statements looks up some rows by their index. What the planner knows of tables that fill and empty in
# minutes is old, and a plan that goes through a whole day of history would be kept.
_PLANS = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off"

# Idle in a transaction for too long, or in one that took too long. (SQLSTATE; psycopg has them among internal errors.)
ENDED_FOR_US = frozenset({"25P03", "25P04"})

_settled: WeakSet[Connection[Any]] = WeakSet()


def run(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement that PostgreSQL plans once per connection, and return its rows. Raises django.db.Error."""
    # Django binds parameters on the client, and PostgreSQL would plan each statement anew: with a partition a day,
    # planning costs more than running.
    wrapper = _connected()
    with wrapper.wrap_database_errors, Cursor(wrapper.connection) as cursor:
        cursor.execute(query, parameters or None, prepare=True)
        return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []


@contextmanager
def in_transaction(*, commit_soon: bool = False) -> Iterator[None]:
    """Run the statements of the block in one transaction.

    With `commit_soon` the commit doesn't wait for the disk: when PostgreSQL or its machine crashes within about half a
    second (three times wal_writer_delay), it is as if the block had never run. Raises OperationalError where PostgreSQL
    has ended the transaction, because this process was asleep in the middle of it.
    """
    # Django would ask first whether the connection is sound: one more round trip, and the next statement tells as well.
    _connected().health_check_done = True  # type: ignore[attr-defined]  # which its stubs leave out
    try:
        with transaction.atomic():
            if commit_soon:
                run("SET LOCAL synchronous_commit = off")
            yield
    except InternalError as error:
        if getattr(error.__cause__, "sqlstate", None) in ENDED_FOR_US:
            # Nothing is wrong with what was to be done: it is as if the connection had broken.
            raise OperationalError(str(error)) from error
        raise


def _connected() -> DatabaseWrapper:
    wrapper = connections[DEFAULT_DB_ALIAS]
    assert isinstance(wrapper, DatabaseWrapper)
    wrapper.ensure_connection()
    # What is set in a transaction would be gone with it, if it fails.
    if wrapper.connection not in _settled and not wrapper.in_atomic_block:
        with wrapper.wrap_database_errors:
            wrapper.connection.execute(_PLANS)
        _settled.add(wrapper.connection)
    return wrapper
