import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from marketingsuite.devstack import any_free_port
from tests.promptness import within
from tests.tracking.samples import (
    ACCOUNT,
    MESSAGE,
    NO_ACCOUNT,
    all_of,
    another_connection,
    begin,
    in_loop,
    make_hit,
    wait_until,
)
from tests.tracking.test_outbox import watching
from tracking import outbox, storing
from tracking.crew import MOST_AT_ONCE
from tracking.hits import Hit
from tracking.models import Event, Outbox
from tracking.recorder import Recorder
from tracking.seldom import Seldom
from tracking.signals import events_recorded
from tracking.storing import store_hits

pytestmark = pytest.mark.usefixtures("shared_db")

PATIENT = 20.0


@contextmanager
def held_up() -> Iterator[None]:
    """Let nothing be recorded meanwhile: another transaction has the table."""
    with another_connection() as other, other.transaction():
        other.execute("LOCK TABLE tracking_outbox IN ACCESS EXCLUSIVE MODE")
        yield


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


def test_while_all_connections_are_stuck_nobody_waits() -> None:
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


def test_a_connection_that_is_lost_with_a_set_costs_that_set_and_is_made_anew() -> None:
    mine = Recorder(1, PATIENT)
    with held_up():
        hit = begin(mine.record(make_hit()))
        wait_until(lambda: "Lock" in others("wait_event_type"))
        assert any(others("wait_event_type = 'Lock' AND pg_terminate_backend(pid, 5000)"))
    assert not hit.result(PATIENT)
    assert record(mine, make_hit())


@pytest.mark.parametrize("is_used", [True, False])
def test_a_connection_that_is_lost_meanwhile_costs_no_set(is_used: bool) -> None:
    async def connect() -> None:
        mine.connect()

    mine = Recorder(1, PATIENT)
    [line] = mine._storers._free
    in_loop(connect())
    wait_until(lambda: line._connection is not None)
    if is_used:
        assert record(mine, make_hit())
    assert all(others("pg_terminate_backend(pid, 5000)"))
    wait_until(lambda: line._connection is None)
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


def test_only_sets_that_are_refused_go_to_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_out: list[int] = []

    def sort_out(hits: Sequence[Hit]) -> list[Hit]:
        sorted_out.append(len(hits))
        return store_hits(hits)

    monkeypatch.setattr(storing, "store_hits", sort_out)
    mine = Recorder(1, PATIENT)
    assert all(record_all(mine, hits := [make_hit(), make_hit()]))
    assert sorted_out == []
    # The statement of fresh hits does not look whether they are there.
    assert record(mine, hits[0])
    assert sorted_out == [1]


def test_hits_that_cannot_be_written_down_cost_their_set_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mine = Recorder(1, PATIENT)
    with monkeypatch.context() as broken:
        broken.setattr(storing, "columns", lambda rows: 1 / 0)
        assert not record(mine, make_hit())
    assert "1 hits could not be written down" in caplog.text
    assert record(mine, make_hit())


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


def test_what_a_connection_is_refused_for_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(storing, "_may_tell", Seldom())
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "NAME", "no_such_database")
        assert not record(Recorder(1, PATIENT), make_hit())
    [line] = [each.message for each in caplog.records]
    assert line.startswith("PostgreSQL did not take 1 hits: ")
    assert 'database "no_such_database" does not exist' in line


def test_a_recorder_tells_of_small_sets_right_behind_them(heard: list[bool]) -> None:
    mine = Recorder(1, PATIENT)
    assert record(mine, make_hit())
    wait_until(lambda: heard == [False])
    with watching() as line:
        assert all(record_all(mine, hits := [make_hit(), make_hit()]))
        [notice] = line.notifies(timeout=5, stop_after=1)
        wait_until(lambda: heard == [False, True])
        assert all(record_all(mine, [make_hit() for _ in range(outbox.TOLD_AT_ONCE + 1)]))
        wait_until(lambda: heard == [False, True, False])
    assert outbox.ids_in(notice) == [hit.id for hit in hits]


def test_a_recorder_tells_of_nothing_that_was_not_stored(heard: list[bool], told: list[UUID]) -> None:
    mine = Recorder(1, PATIENT)
    assert not record(mine, BAD[0])
    hits = [make_hit(), BAD[0], make_hit()]
    assert record_all(mine, hits) == [True, False, True]
    assert sorted(told) == sorted([hits[0].id, hits[2].id])


def test_a_recorder_whose_telling_is_lost_counts_it_as_not_heard(
    heard: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = "SELECT pg_terminate_backend(pg_backend_pid()), $1::text"
    monkeypatch.setitem(storing._STATEMENTS, "tell", lost)
    assert record(Recorder(1, PATIENT), hit := make_hit())
    wait_until(lambda: heard == [False])
    assert Event.objects.get().id == hit.id
