"""Work that may hang, such as a question to a frozen PostgreSQL: done in a thread, waited for so long and no longer."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Bounded(Generic[T]):
    """One answer for all who ask at about the same time: however many ask, one thread at the most is at work."""

    def __init__(self, name: str, work: Callable[[], T], *, patience: float, kept: float) -> None:
        """`patience` (seconds): how long a work is waited for, from its start. `kept`: how long its answer serves."""
        self._name = name
        self._work = work
        self._patience = patience
        self._kept = kept
        self._lock = threading.Lock()
        self._future: Future[T] | None = None
        self._begun = float("-inf")

    async def answer(self) -> T:
        """What the work gives; raises what it raises, and TimeoutError when the patience ends first."""
        future, left = self._asked()
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), left)

    def wait(self) -> T:
        """The same for a thread."""
        future, left = self._asked()
        return future.result(left)

    def _asked(self) -> tuple[Future[T], float]:
        with self._lock:
            now = monotonic()
            if self._future is None or (self._future.done() and now - self._begun >= self._kept):
                self._future, self._begun = Future(), now
                threading.Thread(target=self._run, args=(self._future,), name=self._name, daemon=True).start()
            return self._future, max(0.0, self._begun + self._patience - now)

    def _run(self, future: Future[T]) -> None:
        future.set_running_or_notify_cancel()
        try:
            result = self._work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
