"""Ringing Celery, from a thread of its own: whoever rings goes on at once, however the broker is.

A lost ring costs only time, since the sweep rings again for all that PostgreSQL still has to do. So the buffer is
bounded, a ring that can't be delivered within a second is dropped, and so is one that would be the ten-thousandth that
nobody answers: a broker must not run full because its workers are away.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from kombu import Connection, Producer

logger = logging.getLogger(__name__)

MOST_BUFFERED = 100_000
EVENTS_PER_TASK = 500
LOOPS_PER_TASK = 1000
# A look or a test call waits for a stranger: each has a task of its own.
PER_TASK = {"fan_out": EVENTS_PER_TASK, "deliver": LOOPS_PER_TASK, "look": 1, "call_test": 1}
PER_TASK |= {"send_again": 1, "forget": 1, "count_ledger": 1000}
MOST_UNANSWERED = 10_000
COUNT_SECONDS = 1.0
# What is rung for in this time after a publication shares the next one: the more there is, the longer. A task has its
# price whatever it carries, so at 3 ms each a busy site would do nothing but tasks.
GATHER_SECONDS = 0.003
GATHER_LONGEST = 0.05
GATHER_PER_RATE = 8e-6
BROKER_SECONDS = 1.0

Ring = tuple[str, Any]


class Doorbell:
    """The rings of one process."""

    def __init__(self) -> None:
        self._rings: deque[Ring] = deque(maxlen=MOST_BUFFERED)
        self._rung = threading.Event()
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._counted: dict[str, tuple[float, int]] = {}
        threading.Thread(target=self._publish_for_ever, name="doorbell", daemon=True).start()

    def ring(self, task: str, arguments: Iterable[Any]) -> None:
        """Have the task called with a list of these, together with what else is rung for it about now."""
        self._rings.extend((task, argument) for argument in arguments)
        self._rung.set()

    def _publish_for_ever(self) -> None:
        before = monotonic()
        while True:
            self._rung.wait()
            self._rung.clear()
            number, moment = len(self._rings), monotonic()
            try:
                self._publish()
            except Exception as error:
                logger.warning("The broker takes no rings, the sweep will make up for it: %s", error)
                self._hang_up()
            sleep(gathering(number, moment - before))
            before = moment

    def _publish(self) -> None:
        gathered: dict[str, dict[Any, None]] = {}
        while self._rings:
            task, argument = self._rings.popleft()
            gathered.setdefault(task, {})[argument] = None
        for task, arguments in gathered.items():
            if self._unanswered(task) >= MOST_UNANSWERED:
                continue
            for part in _parts(list(arguments), PER_TASK[task]):
                # Celery would write out the arguments once more for its own log, a quarter of the cost.
                current_app.send_task(task, [part], producer=self._line(), retry=False, argsrepr="")

    def _unanswered(self, task: str) -> int:
        """How many tasks waited in this one's queue a moment ago."""
        counted, number = self._counted.get(task, (float("-inf"), 0))
        if monotonic() - counted >= COUNT_SECONDS:
            number = self._count(settings.CELERY_TASK_ROUTES[task]["queue"])
            self._counted[task] = monotonic(), number
            if number >= MOST_UNANSWERED:
                logger.warning("Nobody answers: %d tasks wait for %s; is a worker for it running?", number, task)
        return number

    def _count(self, queue: str) -> int:
        channel: Any = self._line().channel
        # As Celery declares it: RabbitMQ would close the channel at the question for a queue that isn't there.
        return int(channel.queue_declare(queue, durable=True, auto_delete=False).message_count)

    def _line(self) -> Producer:
        if self._producer is None:
            self._connection = connect_to_broker()
            self._producer = Producer(self._connection.channel())
        return self._producer

    def _hang_up(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            try:
                connection.close()
            except Exception as error:
                logger.debug("The line to the broker was broken already: %s", error)


def connect_to_broker() -> Connection:
    """A connection that waits for the broker a second at a time, and not longer. Raises what its transport does."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    bounds = {name: BROKER_SECONDS for name in ("socket_timeout", "socket_connect_timeout") if name in options}
    connection = Connection(
        settings.CELERY_BROKER_URL, connect_timeout=BROKER_SECONDS, transport_options=options | bounds
    ).ensure_connection(max_retries=0)
    if connection.transport.driver_type == "amqp":
        # After its own read_timeout, py-amqp goes on waiting.
        connection.connection.transport.sock.settimeout(BROKER_SECONDS)
    return connection


@cache
def _doorbell() -> Doorbell:
    return Doorbell()


def ring_for_events(ids: Iterable[UUID]) -> None:
    """Have the events fanned out."""
    _doorbell().ring("fan_out", (str(id) for id in ids))


def ring_for_lanes(loops: Iterable[int]) -> None:
    """Have the lanes of these loops looked at by an engine."""
    _doorbell().ring("deliver", loops)


def ring_for_looks(loops: Iterable[int]) -> None:
    """Have the verification files of these loops looked for."""
    _doorbell().ring("look", loops)


def ring_for_test_calls(ids: Iterable[UUID]) -> None:
    """Have each of these test calls made."""
    _doorbell().ring("call_test", (str(id) for id in ids))


def ring_for_resends(resends: Iterable[int]) -> None:
    """Have each of these resends gone on with."""
    _doorbell().ring("send_again", resends)


def ring_for_forgetting(orders: Iterable[int]) -> None:
    """Have each of these people forgotten, or gone on with."""
    _doorbell().ring("forget", orders)


def ring_for_ledger(days: Iterable[date]) -> None:
    """Have these days of the ledger counted."""
    _doorbell().ring("count_ledger", (day.isoformat() for day in days))


def gathering(number: int, seconds: float) -> float:
    """For how many seconds to gather, now that so many rings have come in so many seconds."""
    return min(max(GATHER_SECONDS, GATHER_PER_RATE * number / max(seconds, GATHER_SECONDS)), GATHER_LONGEST)


def _parts(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
