"""Telling and hearing of what stands in the outbox, on real connections."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from tests.tracking.samples import wait_until
from tracking import outbox
from tracking.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def watching() -> Iterator[psycopg.Connection]:
    """Somebody else who watches, for the length of the block."""
    # What this thread has is handed to the other, and a new connection is made for this one.
    line = outbox.watch()
    assert line is not None
    own, connection.connection = connection.connection, None
    try:
        yield line
    finally:
        own.close()


def test_nobody_is_told_while_nobody_watches() -> None:
    assert not outbox.tell([new_id()])


def test_whoever_watches_hears_the_events() -> None:
    ids = [new_id() for _ in range(outbox.TOLD_AT_ONCE)]
    with watching() as line:
        assert outbox.tell(ids)
        [notice] = line.notifies(timeout=5, stop_after=1)
    assert outbox.ids_in(notice) == ids


def test_of_none_and_of_more_than_a_few_nobody_is_told() -> None:
    with watching():
        assert not outbox.tell([])
        assert not outbox.tell([new_id() for _ in range(outbox.TOLD_AT_ONCE + 1)])


def test_one_watches_at_a_time() -> None:
    with watching() as line:
        assert outbox.watch() is None
        outbox.unwatch(line)
        assert not outbox.tell([new_id()])
        assert outbox.watch()
    connection.close()


def test_who_dies_watches_no_more() -> None:
    with watching():
        pass
    wait_until(lambda: not outbox.tell([new_id()]))


def test_who_is_frozen_watches_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FROZEN_SECONDS", 1)
    with watching():
        assert outbox.tell([new_id()])
        wait_until(lambda: not outbox.tell([new_id()]))


def test_who_is_frozen_in_a_transaction_watches_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FROZEN_SECONDS", 1)
    with watching() as line:
        line.execute("BEGIN")
        assert outbox.tell([new_id()])
        wait_until(lambda: not outbox.tell([new_id()]))


def test_behind_a_pool_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    # A pool tells a number of its own, and has the statements done by whom it likes.
    monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", 0)
    assert outbox.watch() is None
    assert not outbox.tell([new_id()])
