"""Time limits that hold on a slow machine, too: what the machine loses is measured beside, and allowed on top."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

_NAP_SECONDS: Final = 0.005
# What is waited for takes turns in several threads or processes, and each may have to wait for its own.
_TURNS: Final = 2


class Lateness:
    """How late a thread of this process was woken that only slept, all in all, since `measured` began."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._nap_for_ever, name="lateness", daemon=True)

    @property
    def allowance(self) -> float:
        """Seconds by which a limit may be passed without anybody's fault."""
        return _TURNS * self._seconds

    def _nap_for_ever(self) -> None:
        before = monotonic()
        while not self._over.wait(_NAP_SECONDS):
            before, lain_down = monotonic(), before
            self._seconds += max(0.0, before - lain_down - _NAP_SECONDS)


@contextmanager
def measured() -> Iterator[Lateness]:
    """Measure for the length of the block."""
    lateness = Lateness()
    lateness._thread.start()
    try:
        yield lateness
    finally:
        lateness._over.set()
        lateness._thread.join()


@contextmanager
def within(seconds: float, *, at_least: float = 0.0) -> Iterator[None]:
    """Fail unless the block takes so long at the most, the machine's lateness left out."""
    with measured() as lateness:
        began = monotonic()
        yield
        took = monotonic() - began
    assert at_least <= took < seconds + lateness.allowance, f"took {took:.3f} s, {lateness.allowance:.3f} s late"
