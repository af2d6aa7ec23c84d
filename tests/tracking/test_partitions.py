import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from tests.promptness import within
from tests.tracking.samples import ACCOUNT, MESSAGE, wait_until
from tracking.ids import first_id_at, new_id
from tracking.models import Event, Outbox
from tracking.partitions import days, drop, existing, id_range, make
from tracking.store import EventRow, store_events

TABLE = "tracking_event"
DAY = date(2031, 5, 17)
NEXT = DAY + timedelta(days=1)
moments = st.integers(86_400_000, 250_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


def at(day: date, hour: int = 12) -> UUID:
    """An id of that day."""
    low = first_id_at(datetime.combine(day, time(hour), UTC))
    return UUID(int=low.int | new_id().int & (1 << 64) - 1)


def row(id: UUID) -> EventRow:
    return EventRow(id, "open", ACCOUNT, MESSAGE, {"ip": "192.0.2.1"})


def ids_in(table: str) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ONLY {table}")
        return {id for (id,) in cursor.fetchall()}


def one(query: str, *values: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]


@given(moments)
def test_every_id_of_a_day_is_in_its_range_and_in_no_other(moment: datetime) -> None:
    day, id = moment.date(), str(first_id_at(moment))
    low, high = id_range(day)
    assert low <= id < high
    assert id_range(day + timedelta(days=1))[0] == high
    assert id_range(day - timedelta(days=1))[1] == low


@given(st.dates(date(1970, 1, 2), date(9990, 1, 1)), st.integers(0, 50))
def test_days_follow_each_other(start: date, count: int) -> None:
    made = list(days(start, count))
    assert len(made) == count
    assert all(day == start + timedelta(days=number) for number, day in enumerate(made))


@pytest.mark.django_db
def test_today_and_the_days_ahead_are_there_from_the_start() -> None:
    today = now().date()
    assert set(existing(TABLE)) >= {today, today + timedelta(days=1)}
    assert existing(TABLE)[today] == f"{TABLE}_{today:%Y%m%d}"


@pytest.mark.django_db
def test_making_is_repeatable() -> None:
    assert make(TABLE, [NEXT, DAY]) == [DAY, NEXT]
    assert existing(TABLE)[DAY] == "tracking_event_20310517"
    assert make(TABLE, [DAY, NEXT]) == []


@pytest.mark.django_db
def test_rows_of_the_day_move_in_and_others_stay() -> None:
    low, high = (UUID(bound) for bound in id_range(DAY))
    inside, outside = {low, at(DAY), UUID(int=high.int - 1)}, {UUID(int=low.int - 1), high}
    store_events([row(id) for id in inside | outside])
    assert ids_in(f"{TABLE}_default") == inside | outside
    make(TABLE, [DAY])
    assert ids_in("tracking_event_20310517") == inside
    assert ids_in(f"{TABLE}_default") == outside
    assert Event.objects.count() == Outbox.objects.count() == 5
    assert Event.objects.get(pk=low).data == {"ip": "192.0.2.1"}


@pytest.mark.django_db
def test_new_rows_of_a_made_day_go_to_it() -> None:
    make(TABLE, [DAY])
    id = at(DAY)
    store_events([row(id)])
    store_events([row(id)])
    assert ids_in("tracking_event_20310517") == {id}


@pytest.mark.django_db
def test_a_partition_is_made_like_the_others() -> None:
    make(TABLE, [DAY], "fillfactor = 70")
    count = "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass"
    assert one(count, "tracking_event_20310517") == one(count, TABLE) == 3
    assert one("SELECT reloptions FROM pg_class WHERE relname = %s", "tracking_event_20310517") == ["fillfactor=70"]
    store_events([row(at(DAY))])
    assert Event.objects.get().recorded is not None


@pytest.mark.django_db
def test_a_dropped_day_is_gone_with_its_rows() -> None:
    make(TABLE, [DAY, NEXT])
    kept = at(NEXT)
    store_events([row(at(DAY)), row(kept)])
    drop(TABLE, DAY)
    assert DAY not in existing(TABLE)
    assert one("SELECT to_regclass(%s)::text", "tracking_event_20310517") is None
    assert Event.objects.get().pk == kept


@pytest.fixture
def days_of_the_test(shared_db: None) -> Iterator[None]:
    """Take the days away again that the test made."""
    yield
    for day in {DAY, NEXT} & existing(TABLE).keys():
        drop(TABLE, day)


@contextmanager
def another_transaction(statement: str) -> Iterator[None]:
    """One that has done this and is not over."""
    done, over = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
                done.set()
                over.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(hold)
        assert done.wait(10)
        try:
            yield
        finally:
            over.set()
        holding.result()


def in_thread(work: object) -> None:
    """Run it and close the thread's connection."""
    try:
        assert callable(work)
        work()
    finally:
        connection.close()


def test_making_a_day_gives_way_to_who_is_in_the_default_partition(days_of_the_test: None) -> None:
    late = at(DAY)
    insert = f"INSERT INTO {TABLE} (id, type, account_id, data) VALUES ('{late}', 'open', 1, '{{}}')"
    with another_transaction(insert), ThreadPoolExecutor(1) as thread:
        making = thread.submit(in_thread, lambda: make(TABLE, [DAY]))
        wait_until(lambda: bool(one("SELECT count(*) FROM pg_locks WHERE NOT granted")))
        with within(0.9):
            store_events([row(new_id())])
        with pytest.raises(OperationalError, match="lock timeout"):
            making.result()
    assert DAY not in existing(TABLE)
    assert make(TABLE, [DAY]) == [DAY]
    assert ids_in("tracking_event_20310517") == {late}


def test_dropping_a_day_gives_way_to_who_reads(days_of_the_test: None) -> None:
    make(TABLE, [DAY])
    reading, late = another_transaction(f"SELECT count(*) FROM {TABLE}"), "lock timeout"
    with reading, within(0.9), pytest.raises(OperationalError, match=late):
        drop(TABLE, DAY)
    assert DAY in existing(TABLE)
    drop(TABLE, DAY)
    assert DAY not in existing(TABLE)


def test_two_who_make_the_same_days_at_once_make_each_once(days_of_the_test: None) -> None:
    together, made = threading.Barrier(4), list[date]()

    def make_them() -> None:
        together.wait(10)
        made.extend(make(TABLE, [DAY, NEXT]))

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(in_thread, make_them) for _ in range(4)]:
            each.result()
    assert sorted(made) == [DAY, NEXT]


def test_rows_that_come_in_while_a_day_is_made_are_all_there(days_of_the_test: None) -> None:
    made, stored = threading.Event(), list[UUID]()

    def keep_coming() -> None:
        after = 0
        while after < 3:
            after += made.is_set()
            ids = [at(DAY) for _ in range(20)]
            store_events([row(id) for id in ids])
            stored.extend(ids)

    with ThreadPoolExecutor(2) as threads:
        coming = [threads.submit(in_thread, keep_coming) for _ in range(2)]
        wait_until(lambda: len(stored) > 200)
        make(TABLE, [DAY])
        made.set()
        for each in coming:
            each.result()
    assert ids_in("tracking_event_20310517") == set(stored)
    assert Outbox.objects.count() == len(stored)
