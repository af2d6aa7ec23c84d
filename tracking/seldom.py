"""For what may happen with every hit: a busy site's log must not fill the disk that the spool needs."""

from time import monotonic


class Seldom:
    """True once in so many seconds, and not in between."""

    __slots__ = ("_last", "_seconds")

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def __call__(self) -> bool:
        now = monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
