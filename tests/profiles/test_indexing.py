"""Indexes on tables that are large and in use; what migrations wait for."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.apps import AppConfig, apps
from django.core.management import call_command
from django.db import NotSupportedError, connection, models, transaction
from django.db.migrations import AlterField
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.timezone import now

from profiles.indexing import AddIndexInUse, DropIndexInUse
from tests.factories import make_message
from tests.promptness import within
from tests.tracking.samples import ACCOUNT, MESSAGE, wait_until
from tests.uncommitted import uncommitted
from tracking.ids import new_id
from tracking.models import Event
from tracking.partitions import days, drop, make
from tracking.store import EventRow, store_events

NAME = "event_tried_out"
ADD = AddIndexInUse("event", models.Index(fields=["type", "id"], name=NAME))
ADD_TO_PLAIN = AddIndexInUse("message", models.Index(fields=["subject"], name=NAME))
DROP = DropIndexInUse(NAME, "tracking_message", "account_id", AlterField("message", "subject", models.TextField()))
OF_PARTITIONS = """
SELECT count(*) FILTER (WHERE i.indisvalid), count(*) FROM pg_inherits part
LEFT JOIN pg_index i ON i.indrelid = part.inhrelid
    AND i.indexrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s))
WHERE part.inhparent = 'tracking_event'::regclass
"""


def migrate(operation: Operation, direction: str = "forwards") -> None:
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("tracking", after)
    states = (before, after) if direction == "forwards" else (after, before)
    with connection.schema_editor(atomic=False) as editor:
        getattr(operation, f"database_{direction}")("tracking", editor, *states)


def first_row(query: str, *values: str) -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return tuple(cursor.fetchone())


def is_valid(name: str) -> object:
    return first_row("SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid = to_regclass(%s)", name)[0]


def execute(statement: str) -> Callable[[], None]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


@pytest.fixture(autouse=True)
def no_index(shared_db: None) -> Iterator[None]:
    """Take the index away again that the test made."""
    yield
    execute(f"DROP INDEX IF EXISTS {NAME}")()


def test_each_partition_gets_the_index_and_so_does_the_table() -> None:
    migrate(ADD)
    valid, number = first_row(OF_PARTITIONS, NAME)
    assert valid == number
    assert is_valid(NAME)


def test_a_partition_that_is_made_afterwards_has_it() -> None:
    migrate(ADD)
    [day] = days(now().date() + timedelta(days=400), 1)
    make("tracking_event", [day])
    try:
        valid, number = first_row(OF_PARTITIONS, NAME)
        assert valid == number
    finally:
        drop("tracking_event", day)


def test_what_was_broken_off_is_gone_on_with() -> None:
    migrate(ADD)
    part = f"{NAME}_default"
    execute(f"DROP INDEX {NAME}")()
    execute(f"CREATE INDEX {NAME} ON ONLY tracking_event (type, id)")()
    execute(f"CREATE INDEX {part} ON tracking_event_default (type, id)")()
    execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{part}'::regclass")()
    migrate(ADD)
    assert is_valid(part)
    assert is_valid(NAME)


def test_events_are_recorded_while_it_waits_for_an_older_transaction() -> None:
    older = execute("LOCK TABLE tracking_event_default IN ROW EXCLUSIVE MODE")

    def add() -> None:
        migrate(ADD)
        connection.close()

    with ThreadPoolExecutor(1) as thread:
        with uncommitted(older):
            making = thread.submit(add)
            wait_until(lambda: bool(first_row("SELECT count(*) FROM pg_locks WHERE NOT granted")[0]))
            id = new_id()
            with within(0.9):
                store_events([EventRow(id, "open", ACCOUNT, MESSAGE, {})])
            assert Event.objects.filter(pk=id).exists()
        making.result(20)
    assert is_valid(NAME)


def test_the_way_back_leaves_nothing() -> None:
    migrate(ADD)
    migrate(ADD, "backwards")
    assert first_row("SELECT count(*) FROM pg_class WHERE relname LIKE %s", f"{NAME}%") == (0,)


def test_a_table_without_partitions_gets_it_too() -> None:
    migrate(ADD_TO_PLAIN)
    assert is_valid(NAME)
    migrate(ADD_TO_PLAIN, "backwards")
    assert first_row("SELECT to_regclass(%s)::text", NAME) == (None,)


@pytest.mark.parametrize("operation", [ADD, DROP], ids=["added", "dropped"])
def test_it_is_not_made_in_a_transaction(operation: Operation) -> None:
    with pytest.raises(NotSupportedError, match="atomic = False"), transaction.atomic():
        migrate(operation)


def test_an_index_is_dropped_without_a_word_to_the_foreign_key_and_comes_back() -> None:
    execute(f"CREATE INDEX {NAME} ON tracking_message (account_id)")()
    keys = "SELECT array_agg(oid ORDER BY oid) FROM pg_constraint WHERE conrelid = 'tracking_message'::regclass"
    before = first_row(keys)
    migrate(DROP)
    assert is_valid(NAME) is None
    migrate(DROP)
    assert first_row(keys) == before
    migrate(DROP, "backwards")
    assert is_valid(NAME)


def test_the_drop_waits_for_an_older_transaction_as_long_as_that_takes() -> None:
    execute(f"CREATE INDEX {NAME} ON tracking_message (account_id)")()

    def drop_it() -> None:
        execute("SET lock_timeout = '50ms'")()
        migrate(DROP)
        assert first_row("SHOW lock_timeout") == ("50ms",)
        connection.close()

    with ThreadPoolExecutor(1) as thread:
        with uncommitted(lambda: make_message()):
            dropping = thread.submit(drop_it)
            wait_until(lambda: bool(first_row("SELECT count(*) FROM pg_locks WHERE NOT granted")[0]))
            time.sleep(0.2)
        dropping.result(20)
    assert is_valid(NAME) is None


def test_migrations_wait_for_a_lock_for_seconds_and_all_else_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", f"{options.get('options', '')} -c lock_timeout=7s")
    connection.close()
    seen = []

    def see(app_config: AppConfig, **kwargs: object) -> None:
        if app_config.name == "feedbackloops":
            seen.append(first_row("SHOW lock_timeout")[0])

    for signal in (pre_migrate, post_migrate):
        signal.connect(see)
    try:
        call_command("migrate", verbosity=0)
    finally:
        for signal in (pre_migrate, post_migrate):
            signal.disconnect(see)
    assert seen[0] == "5s"
    assert first_row("SHOW lock_timeout") == ("7s",)
    connection.close()
