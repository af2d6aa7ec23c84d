"""The parts of the processes that have to move: Celery's consumer, the engine's keeper, beat, web's event loop."""

import logging
import os
import signal
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from celery import bootsteps
from celery.beat import Scheduler, Service
from celery.worker.consumer import Consumer
from django.conf import settings

from feedbackloops.attempts import RECORDED
from feedbackloops.doorbell import connect_to_broker
from feedbackloops.engine import keeper_silence
from marketingsuite.metrics import port
from marketingsuite.vitals import files, pulse
from marketingsuite.vitals.pulse import Part
from tracking.seen import HITS, LOST, SPOOLED

logger = logging.getLogger(__name__)

MOVE_SECONDS = 1.0


class Mover:
    """Remembers when something last moved."""

    def __init__(self) -> None:
        self._moved = monotonic()

    def move(self) -> None:
        """It moves now."""
        self._moved = monotonic()

    def silence(self) -> float:
        """Seconds since it last moved."""
        return monotonic() - self._moved


consumer = Mover()
tick = Mover()


class ConsumerStep(bootsteps.StartStopStep):
    """Has Celery's consumer move once a second for as long as it works; a broken line stops and starts it."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, parent: Consumer, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._timer: Any = None

    def start(self, parent: Consumer) -> None:
        """Begin, with each connection to the broker."""
        consumer.move()
        self._timer = parent.timer.call_repeatedly(MOVE_SECONDS, consumer.move)

    def stop(self, parent: Consumer) -> None:
        """End, with the connection."""
        if self._timer is not None:
            self._timer.cancel()


class MovingScheduler(Scheduler):
    """Celery's scheduler, which keeps nothing on disk, and moves with each tick."""

    max_interval = 5

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Ring for what is due; the seconds until the next tick."""
        tick.move()
        seconds: float = super().tick(*args, **kwargs)
        return seconds


def end_when_told(service: Service) -> None:
    """Have beat end at SIGTERM or SIGINT wherever that meets it, and however often they come.

    Celery raises SystemExit only, which a call to the broker may answer with an error of its own: beat would go on.
    """
    told = (signal.SIGTERM, signal.SIGINT)

    def end(*_: object) -> None:
        # One more would wait, within this very thread, for the lock that `stop` holds: Linux says it once for each
        # thread of a parent that ends.
        for number in told:
            signal.signal(number, lambda *_: None)
        service.stop()
        raise SystemExit

    for number in told:
        signal.signal(number, end)


def begin(name: str, parts: Sequence[Part]) -> Callable[[], None]:
    """Have this process, under this name, give signs of life and publish what it has counted; what ends that."""
    port.start()
    return pulse.start(files.folder(settings.VAR_DIR), name, parts, _counted)


def begin_web() -> Callable[[], None]:
    """The same for a web process, one of several of its host; to be called in its event loop."""
    files.forget_dead(files.folder(settings.VAR_DIR), "web")
    return begin(f"web-{os.getpid()}", [Part("event loop", _moving_loop(get_running_loop()).silence, _never)])


def _counted() -> Mapping[str, Mapping[str, float]]:
    counts = {"hits": HITS, "spooled": SPOOLED, "lost": LOST, "attempts": RECORDED}
    return {name: dict(each) for name, each in counts.items() if each}


def _moving_loop(loop: AbstractEventLoop) -> Mover:
    mover = Mover()

    def move() -> None:
        mover.move()
        loop.call_later(MOVE_SECONDS, move)

    move()
    return mover


def broker_is_away() -> bool:
    """Whether the broker does not answer, within about two seconds."""
    try:
        with connect_to_broker() as connection:
            connection.channel()
    except Exception as error:
        logger.debug("The broker does not answer: %s", error)
        return True
    return False


def _never() -> bool:
    return False


def of_worker() -> list[Part]:
    """Those of a Celery worker. The keeper's silence is 0 where there is no engine."""
    return [Part("consumer", consumer.silence, broker_is_away), Part("keeper", keeper_silence, _never)]


def of_beat() -> list[Part]:
    """Those of beat."""
    return [Part("scheduler", tick.silence, broker_is_away)]
