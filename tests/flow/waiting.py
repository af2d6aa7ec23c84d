import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], T], what: str | Callable[[], str], seconds: float = 60.0) -> T:
    """Ask again and again, and return the first answer that is true. Raises AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        in_time = time.monotonic() < deadline
        assert in_time, f"{what if isinstance(what, str) else what()}: not within {seconds:g} s"
        time.sleep(POLL_SECONDS)
    return answer


def is_watched() -> bool:
    """Whether a process hears of new events from PostgreSQL: then they need no tasks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND datname = current_database())"
        )
        return bool(cursor.fetchone()[0])
