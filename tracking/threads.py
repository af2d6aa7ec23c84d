"""Threads that work for an event loop on what may block it: the workers of a crew."""

import threading
from asyncio import get_running_loop
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Generic, TypeVar

from tracking.crew import REFUSED, Outcome

T = TypeVar("T")


class Threads(Generic[T]):
    """A few threads that each call `work` with a set of items.

    It gives back those that were refused; what it raises is the outcome of them all.
    """

    def __init__(self, name: str, number: int, work: Callable[[Sequence[T]], Collection[T]]) -> None:
        self.number = number
        self._work = work
        self._calls: SimpleQueue[Callable[[], object]] = SimpleQueue()
        for each in range(number):
            threading.Thread(target=self._run, name=f"{name}-{each}", daemon=True).start()

    def begin(self, items: Sequence[T], done: Callable[[Sequence[Outcome]], object]) -> None:
        """Have a thread that is free work on these; see `Workers`."""
        loop = get_running_loop()

        def call() -> None:
            outcomes = self._outcomes(items)
            # A loop that is closed has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(partial(done, outcomes))

        self._calls.put(call)

    def _run(self) -> None:
        while True:
            self._calls.get()()

    def _outcomes(self, items: Sequence[T]) -> list[Outcome]:
        try:
            refused = {id(item) for item in self._work(items)}
        except Exception as error:
            return [error] * len(items)
        return [REFUSED if id(item) in refused else None for item in items]
