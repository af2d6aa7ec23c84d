import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from celery import Celery
from celery.beat import Scheduler, Service
from celery.signals import beat_init
from celery.worker.consumer import Consumer
from django.db import connection
from kombu.asynchronous.timer import Timer
from pytest_django import Settings

from feedbackloops.engine import Engine
from feedbackloops.keeper import Keeper
from marketingsuite.devstack import Stack
from marketingsuite.vitals import parts
from tests.promptness import within
from tests.tracking.samples import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop(1.0)


def test_a_keeper_with_nothing_to_do_moves_all_the_same(engine: Engine) -> None:
    engine.start()
    time.sleep(1.5)
    assert engine.silence() < 1.3


def test_a_keeper_that_hangs_is_silent(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(Keeper, "turn", lambda *args: go.wait(10))
    engine.start()
    wait_until(lambda: engine.silence() > 0.5)
    go.set()
    wait_until(lambda: engine.silence() < 0.5)


def test_a_keeper_that_waits_for_postgres_is_not_silent(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def ask(*args: object) -> bool:
        asked.set()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1)")
        return False

    monkeypatch.setattr(Keeper, "turn", ask)
    engine.start()
    assert asked.wait(5)
    time.sleep(0.6)
    assert engine.silence() == 0.0


def test_a_broker_that_answers_is_there(settings: Settings) -> None:
    assert not parts.broker_is_away()
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert parts.broker_is_away()


def test_a_frozen_broker_counts_as_away_within_seconds(stack: Stack) -> None:
    if not stack.valkey:
        pytest.skip("only an embedded Valkey can be frozen, unset REDIS_URL")
    stack.valkey.send(signal.SIGSTOP)
    try:
        with within(5):
            assert parts.broker_is_away()
    finally:
        stack.valkey.send(signal.SIGCONT)


class Line:
    """What the step needs of Celery's consumer: the timer that turns with its connection."""

    def __init__(self) -> None:
        self.timer = Timer()


def test_the_consumer_moves_with_its_timer_and_only_until_its_connection_ends() -> None:
    line = Line()
    step = parts.ConsumerStep(cast(Consumer, line))
    step.start(cast(Consumer, line))
    (entry,) = [each.entry for each in line.timer.queue]
    parts.consumer._moved = 0.0
    entry()
    assert parts.consumer.silence() < 1
    step.stop(cast(Consumer, line))
    assert all(each.entry.canceled for each in line.timer.queue)


class Swallowing(Scheduler):
    """Is told to end within its first tick, which is its last, and swallows what follows from that."""

    ticks = 0

    def tick(self, *args: Any, **kwargs: Any) -> float:
        self.ticks += 1
        assert self.ticks == 1
        with suppress(SystemExit):
            os.kill(os.getpid(), signal.SIGTERM)
        return 0.0


@pytest.fixture
def quiet_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """An app whose beat gives no signs of life; the signals' handlers are as before afterwards."""
    monkeypatch.setattr(beat_init, "send", lambda **kwargs: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    app = Celery(set_as_current=False)
    app.conf.beat_enable_remote_control = False
    yield app
    for number, handler in before.items():
        signal.signal(number, handler)


def test_beat_ends_though_a_call_to_the_broker_swallows_its_end(quiet_app: Celery) -> None:
    service = Service(quiet_app, scheduler_cls=Swallowing)
    parts.end_when_told(service)
    service.start()
    assert cast(Swallowing, service.scheduler).ticks == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_beat_that_is_told_again_while_it_ends_does_not_wait_for_itself(
    quiet_app: Celery, number: signal.Signals
) -> None:
    stops: list[int] = []

    class ToldTwice(Service):
        def stop(self, wait: bool = False) -> None:
            stops.append(1)
            if len(stops) < 3:
                os.kill(os.getpid(), number)
            super().stop(wait)

    service = ToldTwice(quiet_app, scheduler_cls=Swallowing)
    parts.end_when_told(service)
    service.start()
    assert stops == [1]
