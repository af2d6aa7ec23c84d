"""What another transaction has done, and not committed yet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import connection, transaction

PATIENCE_SECONDS = 20.0


@contextmanager
def uncommitted(work: Callable[[], object]) -> Iterator[None]:
    """Have this done in a transaction of another connection, which commits at the end of the block."""
    done, go_on = Event(), Event()

    def do() -> None:
        with transaction.atomic():
            work()
            done.set()
            go_on.wait(PATIENCE_SECONDS)
        connection.close()

    thread = Thread(target=do)
    thread.start()
    try:
        assert done.wait(PATIENCE_SECONDS)
        yield
    finally:
        go_on.set()
        thread.join()
