import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import Error, OperationalError, connection

from marketingsuite.devstack import any_free_port
from tests.promptness import within
from tests.tracking.samples import ACCOUNT, MESSAGE, NO_ACCOUNT, all_of, begin, in_loop, make_hit, wait_until
from tests.tracking.test_outbox import watching
from tracking import outbox, recorder
from tracking.crew import MOST_AT_ONCE
from tracking.hits import Hit
from tracking.models import Event, Outbox
from tracking.recorder import Recorder, store_hits
from tracking.seldom import Seldom
from tracking.signals import events_recorded
from tracking.store import EventRow, store_fresh_events

pytestmark = pytest.mark.usefixtures("shared_db")

PATIENT = 20.0


@contextmanager
def held_up() -> Iterator[None]:
    """Let nothing be recorded meanwhile: another transaction has the table."""
    settings = connection.settings_dict
    address = {"host": settings["HOST"], "port": settings["PORT"], "user": settings["USER"]}
    with psycopg.connect(**address, password=settings["PASSWORD"], dbname=settings["NAME"]) as other:
        other.execute("LOCK TABLE tracking_outbox IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.fixture
def told() -> Iterator[list[UUID]]:
    heard: list[UUID] = []

    def hear(ids: list[UUID], **kwargs: Any) -> None:
        heard.extend(ids)

    events_recorded.connect(hear)
    yield heard
    events_recorded.disconnect(hear)


def record(recorder: Recorder, hit: Hit) -> bool:
    return in_loop(recorder.record(hit))


def record_all(recorder: Recorder, hits: list[Hit]) -> list[bool]:
    """Record them at the same time."""
    return in_loop(all_of([recorder.record(hit) for hit in hits]))


def set_sizes() -> list[int]:
    """How many events each statement stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tracking_event GROUP BY xmin::text ORDER BY 1")
        return [size for (size,) in cursor.fetchall()]


def test_a_recorded_hit_is_an_event_that_waits_for_its_fan_out(told: list[UUID]) -> None:
    hit = make_hit(type="click", original="https://example.com/é", link=3)
    assert record(Recorder(1, PATIENT), hit)
    event = Event.objects.get()
    assert (event.id, event.type, event.account_id, event.message_id) == (hit.id, "click", ACCOUNT, MESSAGE)
    assert (event.data, event.occurred_at) == (hit.data, hit.occurred_at)
    assert Outbox.objects.get().event_id == hit.id
    assert told == [hit.id]


@pytest.mark.parametrize(("number", "sizes"), [(59, [1, 59]), (MOST_AT_ONCE + 100, [1, 100, MOST_AT_ONCE])])
def test_what_gathers_meanwhile_is_one_set_up_to_a_largest_size(number: int, sizes: list[int]) -> None:
    recorder = Recorder(1, PATIENT)
    with held_up():
        first = begin(recorder.record(make_hit()))
        wait_until(lambda: recorder._crew._free == 0)
        rest = begin(all_of([recorder.record(make_hit()) for _ in range(number)]))
        wait_until(lambda: len(recorder._crew._gathered) == number)
    assert first.result(PATIENT)
    assert all(rest.result(PATIENT))
    assert set_sizes() == sizes


def test_the_wait_ends_with_the_patience_and_the_hit_is_stored_later() -> None:
    recorder = Recorder(1, 0.2)
    hit = make_hit()
    with held_up(), within(0.5, at_least=0.2):
        assert not record(recorder, hit)
    wait_until(Event.objects.filter(pk=hit.id).exists)


def test_while_all_threads_are_stuck_nobody_waits() -> None:
    recorder = Recorder(2, 0.2)
    assert not recorder.is_stuck()
    with held_up():
        record_all(recorder, [make_hit(), make_hit()])
        record(recorder, make_hit())
        wait_until(recorder.is_stuck)
        with within(0.1):
            assert not record(recorder, make_hit())
    wait_until(lambda: not recorder.is_stuck())
    assert record(recorder, make_hit())


BAD = [
    make_hit(account=NO_ACCOUNT, useragent="a very private agent"),
    make_hit(type="much-too-long-a-type", useragent="a very private agent"),
    make_hit(useragent="a very private agent\0"),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_hit_that_the_database_refuses_is_given_back_and_the_others_are_stored(
    bad: Hit, told: list[UUID], caplog: pytest.LogCaptureFixture
) -> None:
    good = [make_hit() for _ in range(10)]
    assert store_hits([*good[:6], bad, *good[6:]]) == [bad]
    assert set(Event.objects.values_list("id", flat=True)) == {hit.id for hit in good} == set(told)
    assert Outbox.objects.count() == len(told) == 10
    assert str(bad.id) in caplog.text
    assert "private" not in caplog.text


def test_whose_hit_is_refused_hears_so() -> None:
    recorder = Recorder(1, PATIENT)
    assert not record(recorder, BAD[0])
    assert record(recorder, make_hit())


def others(what: str) -> list[Any]:
    """What there is to select of everybody else's connections."""
    mine = "pid = pg_backend_pid() OR backend_type <> 'client backend'"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM pg_stat_activity WHERE NOT ({mine})")
        return [value for (value,) in cursor.fetchall()]


@pytest.mark.parametrize("is_used", [True, False])
def test_a_lost_connection_costs_one_set_and_is_made_anew(is_used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # PostgreSQL shows a connection before it is made: one that ended by then would cost no set.
    connected, connect = threading.Event(), recorder._connect

    def connect_and_tell() -> None:
        connect()
        connected.set()

    monkeypatch.setattr(recorder, "_connect", connect_and_tell)
    mine = Recorder(1, PATIENT)
    assert connected.wait(PATIENT)
    if is_used:
        assert record(mine, make_hit())
    assert all(others("pg_terminate_backend(pid, 5000)"))
    assert not record(mine, make_hit())
    assert record(mine, make_hit())


def test_a_database_that_refuses_connections_is_no_reason_to_wait(
    monkeypatch: pytest.MonkeyPatch, told: list[UUID], caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "PORT", str(any_free_port()))
        recorder = Recorder(1, PATIENT)
        with within(5):
            assert not record(recorder, make_hit())
    assert told == []
    assert connection.settings_dict["PASSWORD"] not in caplog.text
    assert record(recorder, make_hit())


def test_a_set_that_comes_too_late_stores_what_the_replay_has_left(told: list[UUID]) -> None:
    hits = [make_hit() for _ in range(4)]
    store_hits(hits[1:3])
    assert all(record_all(Recorder(1, PATIENT), hits))
    assert Event.objects.count() == Outbox.objects.count() == 4
    assert set(told) == {hit.id for hit in hits}


def test_a_bad_hit_is_refused_beside_one_that_the_replay_has_stored() -> None:
    hits = [make_hit(), make_hit(), BAD[0], make_hit()]
    store_hits(hits[:1])
    assert record_all(Recorder(1, PATIENT), hits) == [True, True, False, True]
    assert Event.objects.count() == Outbox.objects.count() == 3


def test_hits_that_come_in_are_stored_as_fresh_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[int] = []

    def store(rows: Sequence[EventRow]) -> None:
        stored.append(len(rows))
        store_fresh_events(rows)

    monkeypatch.setattr(recorder, "store_fresh_events", store)
    assert record(Recorder(1, PATIENT), make_hit())
    assert stored == [1]


def test_hits_that_met_an_error_can_be_stored_again(told: list[UUID]) -> None:
    hits = [make_hit() for _ in range(4)] + [BAD[0]]
    store_hits(hits[:2])
    with held_up(), connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(Error):
            store_hits(hits)
    assert store_hits(hits) == [BAD[0]]
    assert Event.objects.count() == Outbox.objects.count() == 4


def test_a_listener_that_fails_is_not_the_hits_trouble(caplog: pytest.LogCaptureFixture) -> None:
    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    events_recorded.connect(fail)
    try:
        with caplog.at_level(logging.ERROR):
            assert record(Recorder(1, PATIENT), make_hit())
    finally:
        events_recorded.disconnect(fail)


def test_many_at_once_are_recorded_once_each() -> None:
    several = Recorder(3, PATIENT)

    async def one_after_another(hits: list[Hit]) -> bool:
        return all([await several.record(hit) for hit in hits])

    hits = [make_hit() for _ in range(300)]
    assert all(in_loop(all_of([one_after_another(hits[number::30]) for number in range(30)])))
    assert sorted(Event.objects.values_list("id", flat=True)) == sorted(hit.id for hit in hits)
    assert Outbox.objects.count() == 300


def test_a_database_that_refuses_hit_after_hit_is_told_of_once_a_second(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(rows: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(recorder, "_may_tell", Seldom())
    # A probe: nobody's hit was refused.
    with pytest.raises(OperationalError):
        recorder.store_hits([], store=refuse)
    for _ in range(20):
        with pytest.raises(OperationalError):
            recorder.store_hits([make_hit()], store=refuse)

    assert [each.message for each in caplog.records] == ["PostgreSQL did not take 1 hits: connection refused"]


@pytest.fixture
def heard() -> Iterator[list[bool]]:
    """Of each set that was stored, whether somebody who watches was told."""
    told: list[bool] = []

    def hear(heard: bool, **kwargs: Any) -> None:
        told.append(heard)

    events_recorded.connect(hear)
    yield told
    events_recorded.disconnect(hear)


def test_who_watches_the_outbox_is_told_of_small_sets_once_they_are_stored(heard: list[bool]) -> None:
    store_hits([make_hit()])
    with watching() as line:
        store_hits(hits := [make_hit(), make_hit()])
        [notice] = line.notifies(timeout=5, stop_after=1)
        store_hits([make_hit() for _ in range(outbox.TOLD_AT_ONCE + 1)])
    assert outbox.ids_in(notice) == [hit.id for hit in hits]
    assert heard == [False, True, False]


def test_what_nobody_could_be_told_of_is_stored_and_counts_as_not_heard(
    heard: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_TELL", "SELECT pg_terminate_backend(pg_backend_pid()), %(ids)s")
    assert store_hits([hit := make_hit()]) == []
    assert heard == [False]
    assert Event.objects.get().id == hit.id
