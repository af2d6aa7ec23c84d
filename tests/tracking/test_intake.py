import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID

import pytest
from django.db import connection
from pytest_django import Settings

from marketingsuite.devstack import Stack, any_free_port
from tests.promptness import within
from tests.tracking.samples import (
    NO_ACCOUNT,
    Answer,
    all_of,
    asked,
    click_url,
    in_loop,
    make_hit,
    now_in_milliseconds,
    pixel_url,
    request,
    wait_until,
)
from tracking.counting import Counting
from tracking.hits import Hit
from tracking.intake import Intake, intake
from tracking.models import Event, HitCount, Outbox
from tracking.recorder import Recorder
from tracking.spool import Spool

PATIENCE = 0.04


class Click(NamedTuple):
    link: int
    before: datetime
    answer: Answer
    after: datetime


def click(link: int) -> Click:
    before = now_in_milliseconds()
    answer = request(click_url(link))
    return Click(link, before, answer, now_in_milliseconds())


def other_connections() -> int:
    """How many connections other threads have, ready for use."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def spooled(folder: Path) -> list[Hit]:
    return [Hit.from_line(line) for path in folder.glob("*.hits") for line in path.read_bytes().splitlines(True)]


def counted(process: UUID) -> list[tuple[int, int]]:
    """What is stored of its hits: accepted, lost."""
    return list(HitCount.objects.filter(process=process).values_list("accepted", "lost"))


@contextmanager
def refused_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let new connections go to a port where nobody listens."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "PORT", str(any_free_port()))
        yield


@contextmanager
def frozen(stack: Stack) -> Iterator[None]:
    if stack.postgres is None:
        pytest.skip("DATABASE_URL names a server that is not ours to freeze")
    stack.postgres.send(signal.SIGSTOP)
    try:
        yield
    finally:
        stack.postgres.send(signal.SIGCONT)


async def get_ready() -> None:
    intake().get_ready()


def test_while_postgres_is_frozen_answers_are_quick_and_each_hit_is_recorded_once(
    stack: Stack, spool_folder: Path, settings: Settings
) -> None:
    settings.HIT_WAIT_SECONDS = 10.0
    assert request(click_url(999)).status == 302
    intake.cache_clear()
    settings.HIT_WAIT_SECONDS = PATIENCE
    in_loop(get_ready())
    # A server process that is only being made would escape the frost.
    wait_until(lambda: other_connections() >= 2 * settings.RECORDER_CONNECTIONS)
    with frozen(stack):
        clicks = [click(index) for index in range(1, 21)]
        with ThreadPoolExecutor(8) as threads:
            clicks += threads.map(click, range(21, 61))
        kept = spooled(spool_folder)
    times = [each.answer.seconds for each in clicks]
    assert {each.answer.status for each in clicks} == {302}
    assert (max(times) < 0.15, median(times) < 0.06) == (True, True), times
    assert sorted(hit.data["link"] for hit in kept) == list(range(1, 61))
    wait_until(lambda: Event.objects.count() == 61 and not spooled(spool_folder))
    events = {event.data["link"]: event for event in Event.objects.all()}
    assert {hit.id for hit in kept} <= {event.id for event in events.values()}
    assert all(each.before <= events[each.link].occurred_at <= each.after for each in clicks)
    assert Outbox.objects.count() == 61


def test_while_postgres_refuses_connections_hits_are_spooled_and_recorded_later(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with refused_connections(monkeypatch):
        clicks = [click(index) for index in range(1, 11)]
        assert {each.answer.status for each in clicks} == {302}
        assert sorted(hit.data["link"] for hit in spooled(spool_folder)) == list(range(1, 11))
    wait_until(lambda: Event.objects.count() == 10)
    events = {event.data["link"]: event for event in Event.objects.all()}
    assert all(each.before <= events[each.link].occurred_at <= each.after for each in clicks)
    wait_until(lambda: not list(spool_folder.glob("*.hits")))


def test_what_another_process_spooled_is_recorded_without_a_hit_of_ours(spool_folder: Path) -> None:
    hit = make_hit()
    spool_folder.mkdir()
    (spool_folder / "dead.hits").write_bytes(hit.to_line())
    intake()
    wait_until(Event.objects.filter(pk=hit.id).exists)


def test_a_hit_that_the_database_refuses_ends_up_among_the_refused(spool_folder: Path) -> None:
    hit = make_hit(account=NO_ACCOUNT)
    in_loop(intake().take(hit))
    wait_until(lambda: {path.suffix for path in spool_folder.iterdir()} == {".refused", ".tally"})
    (path,) = spool_folder.glob("*.refused")
    assert Hit.from_line(path.read_bytes()) == hit
    assert not Event.objects.exists()


def test_hits_that_nothing_takes_are_counted_and_the_links_still_lead_on(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool_folder.touch()
    with refused_connections(monkeypatch):
        assert request(click_url(1)).status == 302
        assert request(pixel_url()).status == 200
        assert request(click_url(2)).status == 302
        wait_until(lambda: any("is lost, number 3 since" in alarm for alarm in alarms(caplog)))
    assert "is lost, number 1 since" in alarms(caplog)[0]
    assert "SPOOL_DIR" in alarms(caplog)[0]
    spool_folder.unlink()
    in_memory = intake()._counting.tally.id
    wait_until(lambda: counted(in_memory) == [(0, 3)])
    wait_until(lambda: intake()._counting.tally.is_on_disk)
    assert request(click_url(4)).status == 302
    wait_until(lambda: counted(intake()._counting.tally.id) == [(1, 0)])
    assert counted(in_memory) == [(0, 3)]


def test_hits_that_are_spooled_at_the_same_time_share_a_sync(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, fsync = [], os.fsync

    def watched(file: int) -> None:
        synced.append(file)
        fsync(file)

    monkeypatch.setattr(os, "fsync", watched)
    with refused_connections(monkeypatch):
        answers = in_loop(all_of([asked(click_url(index)) for index in range(1, 101)]))
        kept = spooled(spool_folder)
    assert [answer.status for answer in answers] == [302] * 100
    assert sorted(hit.data["link"] for hit in kept) == list(range(1, 101))
    assert len(synced) < 20


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"]


class HangingSpool(Spool):
    """One on a disk that takes nothing and says nothing until it is let go."""

    go = threading.Event()

    def append_all(self, hits: Sequence[Hit]) -> None:
        assert self.go.wait(10)
        super().append_all(hits)


def test_a_disk_that_hangs_holds_nobody_for_ever_and_the_hits_count_as_lost(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tracking.intake.DISK_SECONDS", 0.3)
    with refused_connections(monkeypatch):
        intake = Intake(Recorder(1, PATIENCE), HangingSpool(spool_folder), Counting(spool_folder))
        with within(0.6, at_least=0.3):
            in_loop(intake.take(make_hit()))
        with within(0.1):
            in_loop(intake.take(make_hit()))
    HangingSpool.go.set()
    wait_until(lambda: len(alarms(caplog)) == 2)
    assert [alarm.partition("number ")[2][0] for alarm in alarms(caplog)] == ["1", "2"]
    assert all("no answer in time" in alarm for alarm in alarms(caplog))


class ProbeCounting(Recorder):
    """A recorder that counts how often it was asked whether PostgreSQL is back."""

    probes = 0

    def probe(self) -> None:
        self.probes += 1
        super().probe()


def test_the_replay_goes_on_after_an_error(
    spool_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(spool_folder)
    hit = make_hit()
    spool.append_all([hit])
    recorder = ProbeCounting(1, PATIENCE)
    threads = set(threading.enumerate())
    with refused_connections(monkeypatch):
        Intake(recorder, spool, Counting(spool_folder))
        wait_until(lambda: recorder.probes > 2)
    wait_until(Event.objects.filter(pk=hit.id).exists)
    # The threads of other tests say why theirs waits, in the same words.
    own = {thread.ident for thread in threading.enumerate() if thread not in threads}
    said = "\n".join(record.getMessage() for record in caplog.records if record.thread in own)
    # Once a minute is enough.
    assert said.count("The spool waits: connection failed") == 1


def test_a_process_has_one_intake(spool_folder: Path) -> None:
    assert intake() is intake()
