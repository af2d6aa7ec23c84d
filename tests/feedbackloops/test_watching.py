"""Fanning out what PostgreSQL tells of, without a task for it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from feedbackloops import tasks, watching
from feedbackloops.models import Delivery
from feedbackloops.watching import BUSY_TASKS, Watcher
from tests.factories import make_events, make_message, make_verified_loop
from tests.flow.waiting import wait_until
from tracking import outbox
from tracking.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


class Site:
    """Watchers, and what they do with what they hear."""

    def __init__(self) -> None:
        self.done: list[UUID] = []
        self.handed_on: list[UUID] = []
        self.sets: list[int] = []
        self.work: Callable[[Sequence[UUID]], object] = lambda ids: None
        self.watchers: list[Watcher] = []

    def fan_out(self, ids: Sequence[UUID]) -> None:
        self.sets.append(len(ids))
        self.work(ids)
        self.done.extend(ids)

    def watcher(self) -> Watcher:
        """One more, in a thread of its own."""
        watcher = Watcher(self.fan_out, self.handed_on.extend)
        watcher.start()
        self.watchers.append(watcher)
        return watcher

    def busy_watcher(self) -> Watcher:
        """One more, that has begun to watch."""
        watcher = self.watcher()
        await_watching(watcher)
        return watcher


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(watching, "PAUSE_SECONDS", 0.05)
    site = Site()
    yield site
    for watcher in site.watchers:
        watcher.stop(5)
        assert not watcher._thread.is_alive()


def be_busy(watcher: Watcher) -> None:
    for _ in range(BUSY_TASKS):
        watcher.notice_task()


def await_watching(watcher: Watcher) -> None:
    def is_heard() -> bool:
        be_busy(watcher)
        return is_watched()

    wait_until(is_heard, "somebody watches")


def is_watched() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)")
        return bool(cursor.fetchone()[0])


def end_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
            " WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        )
        return int(cursor.fetchone()[0])


def test_while_many_tasks_come_the_outbox_is_watched_and_no_more_are_needed(site: Site) -> None:
    site.busy_watcher()
    ids = [new_id() for _ in range(3)]

    assert outbox.tell(ids)

    wait_until(lambda: site.done == ids, "what was told of is fanned out")


def test_deliveries_are_owed_by_what_is_told(site: Site) -> None:
    message = make_message()
    make_verified_loop(message.account)
    site.work = tasks._fan_out
    site.busy_watcher()

    assert outbox.tell(make_events(message, 3))

    wait_until(lambda: Delivery.objects.count() == 3, "the deliveries are owed")


def test_while_few_tasks_come_nobody_watches(site: Site) -> None:
    watcher = site.watcher()
    for _ in range(BUSY_TASKS - 1):
        watcher.notice_task()

    assert not watcher._busy.wait(0.3)
    assert not is_watched()


def test_tasks_that_come_slowly_are_few_however_long_they_come(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(100))
    monkeypatch.setattr(watching, "monotonic", lambda: next(seconds) / 5)
    watcher = site.watcher()
    for _ in range(5 * BUSY_TASKS):
        watcher.notice_task()

    assert not watcher._busy.is_set()


def test_once_it_is_calm_tasks_are_rung_for_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "CALM_SECONDS", 0.3)
    site.busy_watcher()

    wait_until(lambda: not is_watched(), "nobody watches")
    assert not outbox.tell([new_id()])


def test_as_long_as_many_notices_come_the_outbox_stays_watched(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "CALM_NOTICES", 2)
    monkeypatch.setattr(watching, "CALM_SECONDS", 1.0)
    site.busy_watcher()
    told = [outbox.tell([new_id()]) for _ in range(40) if not threading.Event().wait(0.05)]

    assert all(told)


def test_one_watches_and_another_takes_over(site: Site) -> None:
    first = site.busy_watcher()
    second = site.watcher()
    be_busy(second)
    ids = [new_id() for _ in range(5)]
    for id in ids:
        assert outbox.tell([id])
    wait_until(lambda: len(site.done) >= 5, "all is done")
    assert sorted(site.done) == ids

    first.stop(5)
    await_watching(second)
    assert outbox.tell([new_id()])
    wait_until(lambda: len(site.done) == 6, "the other one does it")


def test_what_was_told_until_it_stopped_is_done(site: Site) -> None:
    holding, go = threading.Event(), threading.Event()

    def hold(ids: Sequence[UUID]) -> None:
        holding.set()
        assert go.wait(5)

    site.work = hold
    watcher = site.busy_watcher()
    ids = [new_id(), new_id(), new_id()]
    assert outbox.tell(ids[:1])
    assert holding.wait(5)
    assert outbox.tell(ids[1:])
    watcher.stop(0)
    go.set()

    wait_until(lambda: site.done == ids, "all is done")


def test_what_is_too_much_for_one_thread_is_handed_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVENTS_PER_TASK", 3)
    site.busy_watcher()
    ids = [new_id() for _ in range(5)]

    assert outbox.tell(ids)

    wait_until(lambda: site.handed_on == ids[3:], "two are handed on")
    assert site.done == ids[:3]


@pytest.mark.parametrize("error", [OperationalError("the connection is lost"), RuntimeError("nobody thought of it")])
def test_a_watcher_outlives_whatever_goes_wrong(site: Site, error: Exception) -> None:
    def fail(ids: Sequence[UUID]) -> None:
        raise error

    site.work = fail
    watcher = site.busy_watcher()
    assert outbox.tell([new_id()])
    wait_until(lambda: site.sets == [1], "it has failed")
    site.work = lambda ids: None
    wait_until(lambda: not is_watched(), "it has let go")

    await_watching(watcher)
    id = new_id()
    assert outbox.tell([id])
    wait_until(lambda: site.done == [id], "what came later is done")


def test_a_watcher_that_lost_its_connection_watches_again(site: Site) -> None:
    watcher = site.busy_watcher()
    assert end_connections() == 1
    wait_until(lambda: not is_watched(), "it is gone")

    await_watching(watcher)
    id = new_id()
    assert outbox.tell([id])
    wait_until(lambda: site.done == [id], "what came later is done")


def test_a_notice_that_names_no_events_is_passed_over(site: Site) -> None:
    site.busy_watcher()
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY outbox, 'nonsense'")

    id = new_id()
    assert outbox.tell([id])
    wait_until(lambda: site.done == [id], "what came later is done")


def test_an_idle_watcher_keeps_its_connection(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FROZEN_SECONDS", 1)
    site.busy_watcher()

    assert all(is_watched() for _ in range(30) if not threading.Event().wait(0.05))
