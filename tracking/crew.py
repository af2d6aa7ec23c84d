"""From the event loop to those who work for it, and back, in sets.

The loop must never wait for a disk or a database, and each item by itself would cost more than the work. So items
gather in the loop; a worker that is free takes them all at once, and one call brings back what became of them.
"""

from asyncio import Future, TimerHandle, get_running_loop
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
# What became of an item: None once it is done, else what kept it from being done.
Outcome = Exception | None

MOST_AT_ONCE: Final = 500
ALONE_SECONDS: Final = 0.005
PAUSE_PER_RATE: Final = 32e-6
SHARED_FROM: Final = 32
TOO_LATE: Final = TimeoutError("no answer in time")
REFUSED: Final = ValueError("refused")


class Workers(Protocol[T_contra]):
    """Those who work on sets, `number` of them, each on one at a time."""

    number: int

    def begin(self, items: Sequence[T_contra], done: Callable[[Sequence[Outcome]], object]) -> None:
        """Have one that is free work on these, and tell what became of each of them.

        `done` is called in the event loop, as this is.
        """


class _Waiting(NamedTuple, Generic[T]):
    item: T
    outcome: "Future[Outcome]"
    until: float


class Crew(Generic[T]):
    """A few workers of one event loop; each takes all that waits, up to MOST_AT_ONCE.

    Nothing waits for more to come while little comes, nor once SHARED_FROM items wait. A second worker helps only where
    the first has been at its set for ALONE_SECONDS, or SHARED_FROM items wait.
    """

    def __init__(self, workers: Workers[T], patience: float, longest_pause: float = 0.0) -> None:
        """`patience` (seconds): how long an outcome is waited for at most, no more than half of it for more to come.

        `longest_pause`: see `gathering`.
        """
        self._workers = workers
        self._patience = patience
        self._free = workers.number
        self._last_handed = float("-inf")
        self._longest_pause = min(longest_pause, patience / 2)
        self._pause = self._due = 0.0
        self._alarm: TimerHandle | None = None
        self._gathered: list[_Waiting[T]] = []
        self._waiting: deque[_Waiting[T]] = deque()
        self._timer: TimerHandle | None = None

    def hand(self, item: T) -> "Future[Outcome]":
        """Have the item worked on; its outcome is there when the patience ends at the latest, then TOO_LATE.

        TOO_LATE doesn't mean that it was not done, or never will be. While all workers are stuck the item is not taken,
        and TOO_LATE is there at once. To be called in the event loop.
        """
        loop = get_running_loop()
        outcome: Future[Outcome] = loop.create_future()
        now = monotonic()
        if self._is_stuck(now):
            outcome.set_result(TOO_LATE)
            return outcome
        waiting = _Waiting(item, outcome, now + self._patience)
        self._waiting.append(waiting)
        if self._timer is None:
            self._timer = loop.call_later(self._patience, self._expire)
        if not self._gathered:
            self._due = now + self._pause
        self._gathered.append(waiting)
        if len(self._gathered) in (1, SHARED_FROM):
            # Not at once: what else the loop has received by now comes along.
            loop.call_soon(self._hand_over)
        return outcome

    def is_stuck(self) -> bool:
        """Whether every worker has been at one set for longer than anybody would wait."""
        return self._is_stuck(monotonic())

    def _is_stuck(self, now: float) -> bool:
        return not self._free and self._last_handed < now - self._patience

    def _hand_over(self) -> None:
        while self._free and self._gathered:
            now = monotonic()
            if (seconds := self._seconds_left(now)) > 0:
                self._look_again(seconds)
                return
            self._pause = gathering(len(self._gathered), now - self._last_handed, self._longest_pause)
            self._last_handed = now
            handed, self._gathered = self._gathered[:MOST_AT_ONCE], self._gathered[MOST_AT_ONCE:]
            self._free -= 1
            self._workers.begin([waiting.item for waiting in handed], partial(self._tell, handed))

    def _seconds_left(self, now: float) -> float:
        if len(self._gathered) >= SHARED_FROM:
            return 0.0
        # Two small sets cost more than one that waits for the worker at work, as long as that one is quick.
        alone = 0.0 if self._free == self._workers.number else self._last_handed + ALONE_SECONDS
        return max(alone, self._due) - now

    def _look_again(self, seconds: float) -> None:
        if self._alarm is None:
            self._alarm = get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._hand_over()

    def _expire(self) -> None:
        """Tell those whose patience has ended. It is the same for all, so they stand in the order of their ends."""
        self._timer = None
        now = monotonic()
        while self._waiting:
            first = self._waiting[0]
            if not first.outcome.done():
                if first.until > now:
                    self._timer = get_running_loop().call_later(first.until - now, self._expire)
                    return
                first.outcome.set_result(TOO_LATE)
            self._waiting.popleft()

    def _forget_done(self) -> None:
        """Let go of those that need not be told: kept until their patience ends, they would fill the memory."""
        while self._waiting and self._waiting[0].outcome.done():
            self._waiting.popleft()

    def _tell(self, handed: list[_Waiting[T]], outcomes: Sequence[Outcome]) -> None:
        self._free += 1
        for waiting, outcome in zip(handed, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)
        self._forget_done()
        self._hand_over()


def gathering(number: int, seconds: float, longest: float) -> float:
    """For how many seconds to gather, now that so many items came in so many seconds: the longer, the more came."""
    return min(PAUSE_PER_RATE * number / max(seconds, 0.001), longest)
