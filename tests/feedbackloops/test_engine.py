"""The engine with its threads, its own connection and real calls."""

import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep

import pytest
from django.db import OperationalError

from feedbackloops import engine as engine_module
from feedbackloops.door import make_sender
from feedbackloops.engine import Engine
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState
from feedbackloops.outbound.sender import OnDone, Sender
from tests.factories import make_message, make_verified_loop, owe
from tests.http_server import HttpServer, after, hang, in_turn, ok, status
from tracking.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engine(server: HttpServer) -> Iterator[Engine]:
    engine = Engine()
    engine.start()
    yield engine
    engine.stop(5)


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message, server: HttpServer) -> FeedbackLoop:
    return make_verified_loop(message.account, url=server.url("/script.php"))


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = monotonic() + seconds
    while not condition() and monotonic() < deadline:
        sleep(0.01)
    return condition()


def delivered() -> int:
    return Delivery.objects.filter(state="delivered").count()


def is_free() -> bool:
    return not LaneState.objects.exclude(engine=None).exists()


def test_a_ring_has_what_is_due_sent_and_the_lane_given_back(
    engine: Engine, message: Message, loop: FeedbackLoop, server: HttpServer
) -> None:
    owe(message, 50)

    engine.ring([loop.pk])

    assert eventually(lambda: delivered() == 50)
    assert eventually(is_free)
    assert len({request.values("webhook-id")[0] for request in server.requests}) == len(server.requests) == 50
    assert Attempt.objects.filter(outcome="accepted", address="127.0.0.1").count() == 50


def test_connections_are_kept(engine: Engine, message: Message, loop: FeedbackLoop, server: HttpServer) -> None:
    FeedbackLoop.objects.update(in_flight_limit=2)
    owe(message, 30)

    engine.ring([loop.pk])

    assert eventually(lambda: delivered() == 30)
    assert server.connections <= 4


def test_many_lanes_are_served_by_one_engine(engine: Engine, message: Message, server: HttpServer) -> None:
    loops = [make_verified_loop(message.account, url=server.url(f"/{number}")) for number in range(30)]
    owe(message, 3)

    engine.ring([loop.pk for loop in loops])

    assert eventually(lambda: delivered() == 90)
    assert eventually(is_free)


def test_a_script_that_hangs_keeps_no_other_lane_waiting(
    engine: Engine, message: Message, loop: FeedbackLoop, server: HttpServer
) -> None:
    slow = make_verified_loop(message.account, url=server.url("/slow"))
    server.at["/slow"] = hang
    owe(message, 5)

    engine.ring([slow.pk, loop.pk])

    assert eventually(lambda: delivered() == 5, seconds=1.5)


def test_stopping_lets_calls_end_and_gives_the_lanes_back(
    server: HttpServer, message: Message, loop: FeedbackLoop
) -> None:
    server.behaviour = after(0.3, ok())
    owe(message, 3)
    engine = Engine()
    engine.start()
    engine.ring([loop.pk])
    assert eventually(lambda: len(server.requests) == 3)

    engine.stop(5)

    assert delivered() == 3
    assert is_free()


def test_a_script_that_fails_once_gets_it_again(
    engine: Engine, message: Message, loop: FeedbackLoop, server: HttpServer, settings: object
) -> None:
    settings.RETRY_SCHEDULE = (0.1, 0.1)  # type: ignore[attr-defined]
    server.behaviour = in_turn(status(500), ok())
    owe(message)

    engine.ring([loop.pk])

    assert eventually(lambda: delivered() == 1)
    assert [request.values("webhook-attempt") for request in server.requests] == [["1"], ["2"]]


def test_a_sender_that_broke_down_is_replaced(
    engine: Engine, message: Message, loop: FeedbackLoop, caplog: pytest.LogCaptureFixture
) -> None:
    engine._sender.stop(0)
    owe(message, 3)

    engine.ring([loop.pk])

    assert eventually(lambda: delivered() == 3)
    assert "The sender broke down" in caplog.text


def test_a_keeper_outlives_a_sender_that_can_not_be_replaced_at_once(
    engine: Engine, message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError(24, "Too many open files")]

    def fail_once(over: OnDone) -> Sender:
        if failures:
            raise failures.pop()
        return make_sender(over)

    monkeypatch.setattr(engine_module, "make_sender", fail_once)
    engine._sender.stop(0)
    owe(message)

    engine.ring([loop.pk])

    assert eventually(lambda: not failures)
    engine.ring([loop.pk])
    assert eventually(lambda: delivered() == 1)


def test_two_tasks_at_once_share_one_engine() -> None:
    start, engines = threading.Barrier(4), []

    def take() -> None:
        start.wait()
        engines.append(engine_module.engine())

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(engines) == 4
    assert len(set(engines)) == 1
    engine_module.stop_engine(1)
    engine_module._engine.cache_clear()


def test_a_database_that_is_away_is_told_of_in_one_line_and_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine_module, "RECOVER_SECONDS", 0)

    def refused() -> bool:
        raise OperationalError("connection refused\n\tIs the server running?")

    idle = Engine()
    for _ in range(3):
        idle._guarded(refused)

    assert [each.message for each in caplog.records] == ["The engine waits for PostgreSQL: connection refused"]
