import json
import socket
import struct
from base64 import b64decode
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import pytest
import redis
from pytest_django import Settings

from feedbackloops.doorbell import EVENTS_PER_TASK, Doorbell, gathering
from marketingsuite.devstack import Stack
from tests.promptness import within


def _frame(channel: int, number: tuple[int, int], arguments: bytes) -> bytes:
    """A method frame (AMQP 0-9-1, section 4.2.3)."""
    payload = struct.pack(">HH", *number) + arguments
    return struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce"


# What RabbitMQ says until a client's first channel is open: start, tune, open-ok, channel open-ok.
WELCOME = (
    _frame(0, (10, 10), b"\x00\x09" + struct.pack(">I", 0) + struct.pack(">I5sI5s", 5, b"PLAIN", 5, b"en_US"))
    + _frame(0, (10, 30), struct.pack(">HIH", 0, 131_072, 0))
    + _frame(0, (10, 41), b"\x00")
    + _frame(1, (20, 11), struct.pack(">I", 0))
)


@pytest.fixture
def broker(stack: Stack) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(stack.redis_url) as broker:
        broker.delete("events", "deliveries", "looks")
        yield broker
        broker.delete("events", "deliveries", "looks")


@pytest.fixture
def bell(broker: redis.Redis) -> Iterator[Doorbell]:
    bell = Doorbell()
    yield bell
    # What one test rang for must not come in during the next.
    bell.ring("look", ["the last"])
    deadline = monotonic() + 10
    while ("look", ["the last"]) not in tasks(broker, "looks") and monotonic() < deadline:
        sleep(0.01)


def tasks(broker: redis.Redis, queue: str) -> list[tuple[str, list[Any]]]:
    """The tasks in a queue, the first published first, with their one argument."""
    found = [json.loads(each) for each in reversed(broker.lrange(queue, 0, -1))]
    return [(each["headers"]["task"], (json.loads(b64decode(each["body"]))[0] or [[]])[0]) for each in found]


def wait_for(broker: redis.Redis, queue: str, number: int = 1, seconds: float = 5) -> list[tuple[str, list[Any]]]:
    deadline = monotonic() + seconds
    while broker.llen(queue) < number and monotonic() < deadline:
        sleep(0.005)
    return tasks(broker, queue)


def test_a_ring_becomes_a_task_in_the_queue_of_its_kind(bell: Doorbell, broker: redis.Redis) -> None:
    bell.ring("fan_out", ["an-id"])
    assert wait_for(broker, "events") == [("fan_out", ["an-id"])]

    bell.ring("deliver", [7])
    assert wait_for(broker, "deliveries") == [("deliver", [7])]

    bell.ring("look", [7])
    assert wait_for(broker, "looks") == [("look", [7])]


def test_a_burst_shares_tasks(bell: Doorbell, broker: redis.Redis) -> None:
    for number in range(1000):
        bell.ring("fan_out", [str(number)])

    deadline = monotonic() + 5
    while sum(len(ids) for _, ids in tasks(broker, "events")) < 1000 and monotonic() < deadline:
        sleep(0.01)

    published = tasks(broker, "events")
    assert [id for _, ids in published for id in ids] == [str(number) for number in range(1000)]
    assert len(published) < 100
    assert max(len(ids) for _, ids in published) <= EVENTS_PER_TASK


def test_the_same_lane_is_rung_once_per_publication(bell: Doorbell, broker: redis.Redis) -> None:
    bell.ring("deliver", [7] * 100)

    assert wait_for(broker, "deliveries") == [("deliver", [7])]


def test_a_flushed_broker_takes_the_next_ring(bell: Doorbell, broker: redis.Redis) -> None:
    bell.ring("deliver", [1])
    wait_for(broker, "deliveries")
    broker.flushall()

    bell.ring("deliver", [2])

    assert wait_for(broker, "deliveries") == [("deliver", [2])]


def test_a_queue_that_nobody_empties_is_not_filled_any_further(
    bell: Doorbell, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("feedbackloops.doorbell.MOST_UNANSWERED", 3)
    monkeypatch.setattr("feedbackloops.doorbell.COUNT_SECONDS", 0.0)
    for number in range(1, 6):
        bell.ring("deliver", [number])
        wait_for(broker, "deliveries", number, seconds=0.3)

    assert [loops for _, loops in tasks(broker, "deliveries")] == [[1], [2], [3]]
    assert "is a worker for it running?" in caplog.text

    broker.delete("deliveries")
    bell.ring("deliver", [6])
    assert wait_for(broker, "deliveries") == [("deliver", [6])]


def test_a_broker_that_is_away_holds_up_nobody_and_is_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    bell = Doorbell()

    with within(0.2):
        for number in range(1000):
            bell.ring("deliver", [number])

    deadline = monotonic() + 30
    while "sweep will make up" not in caplog.text and monotonic() < deadline:
        sleep(0.01)
    assert "sweep will make up" in caplog.text


def test_the_bell_works_again_when_the_broker_is_back(
    settings: Settings, broker: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    there, settings.CELERY_BROKER_URL = settings.CELERY_BROKER_URL, "redis://127.0.0.1:1/0"
    bell = Doorbell()
    bell.ring("deliver", [1])
    deadline = monotonic() + 30
    while "sweep will make up" not in caplog.text and monotonic() < deadline:
        sleep(0.01)

    settings.CELERY_BROKER_URL = there
    bell.ring("deliver", [2])

    assert wait_for(broker, "deliveries") == [("deliver", [2])]


@pytest.mark.parametrize(
    ("scheme", "said"),
    [("redis", b""), ("amqp", b""), ("amqp", WELCOME)],
    ids=["redis, from the start", "amqp, from the start", "amqp, once the channel is open"],
)
def test_a_broker_that_falls_silent_is_given_up_after_a_second(
    settings: Settings, caplog: pytest.LogCaptureFixture, scheme: str, said: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CELERY_BROKER_URL = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 10} if scheme == "redis" else {}
        with within(3, at_least=0.9):
            started = monotonic()
            Doorbell().ring("deliver", [1])
            with silent.accept()[0] as line:
                line.recv(8)
                line.sendall(said)
                while "sweep will make up" not in caplog.text and monotonic() - started < 30:
                    sleep(0.01)


def test_ringing_never_waits_for_the_publication(bell: Doorbell) -> None:
    with within(0.2):
        bell.ring("fan_out", (str(number) for number in range(10_000)))


@pytest.mark.parametrize("task", ["look", "call_test"])
def test_what_waits_for_a_stranger_has_a_task_of_its_own(bell: Doorbell, broker: redis.Redis, task: str) -> None:
    bell.ring(task, [1, 2, 3])

    assert wait_for(broker, "looks", 3) == [(task, [1]), (task, [2]), (task, [3])]


@pytest.mark.parametrize(
    ("number", "seconds", "expected"),
    [(1, 3600.0, 0.003), (300, 1.0, 0.003), (5000, 1.0, 0.04), (50, 0.003, 0.05), (100_000, 0.0001, 0.05)],
)
def test_the_more_comes_in_the_longer_it_is_gathered(number: int, seconds: float, expected: float) -> None:
    assert gathering(number, seconds) == pytest.approx(expected, rel=0.05)
