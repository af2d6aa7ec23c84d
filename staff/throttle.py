"""How often somebody may try. Counted in Redis, for all web processes together; in each by itself without it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Any, Final

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 0.5
_MOST_KEPT: Final = 10_000
# For so long a Redis that gave no answer is not asked again: what is counted often would wait for it each time.
_AWAY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries of a kind one user, address or token has in so many seconds; 0 for LOGIN_WINDOW_SECONDS."""

    kind: str
    who: str
    most: int
    seconds: int = 0

    @property
    def window(self) -> int:
        """For how many seconds a try counts."""
        return self.seconds or int(settings.LOGIN_WINDOW_SECONDS)

    @property
    def key(self) -> str:
        """Where they are counted. It tells nobody what was typed."""
        return f"throttle:{self.kind}:{sha256(self.who.encode('utf-8', 'replace')).hexdigest()[:32]}"


def take(limits: Sequence[Limit]) -> int:
    """Count one more try against each limit. How many seconds to wait where one of them is used up, else 0."""
    counts = _count(limits, 1)
    over = [seconds for limit, (count, seconds) in zip(limits, counts, strict=True) if count > limit.most]
    return max(over, default=0)


def give_back(limits: Sequence[Limit]) -> None:
    """The last try does not count: it went well."""
    _count(limits, -1)


def _count(limits: Sequence[Limit], change: int) -> list[tuple[int, int]]:
    if settings.THROTTLE_URL and not _away.lasts(settings.THROTTLE_URL):
        try:
            return _count_in_redis(_redis(settings.THROTTLE_URL), limits, change)
        except RedisError as error:
            _away.begin(settings.THROTTLE_URL)
            logger.warning("Redis does not count tries, each web process does so by itself: %s", type(error).__name__)
    return _own.count(limits, change)


def _count_in_redis(redis: Any, limits: Sequence[Limit], change: int) -> list[tuple[int, int]]:
    with redis.pipeline(transaction=True) as pipeline:
        for limit in limits:
            # The first try begins the window; none makes it longer.
            pipeline.set(limit.key, 0, ex=limit.window, nx=True).incrby(limit.key, change).ttl(limit.key)
        answers = pipeline.execute()
    return [(int(answers[place + 1]), max(int(answers[place + 2]), 1)) for place in range(0, len(answers), 3)]


@lru_cache(maxsize=1)
def _redis(url: str) -> Any:
    # A Redis that hangs must not hang the login: one short try, and none after it.
    options = {"socket_timeout": _PATIENCE_SECONDS, "socket_connect_timeout": _PATIENCE_SECONDS}
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)


class _Away:
    """Until when which Redis is not asked."""

    def __init__(self) -> None:
        self._url, self._until = "", 0.0

    def begin(self, url: str) -> None:
        self._url, self._until = url, monotonic() + _AWAY_SECONDS

    def lasts(self, url: str) -> bool:
        return url == self._url and monotonic() < self._until


class _OwnCounts:
    """The counts of this process. The oldest go where there are very many."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, tuple[int, float]] = {}

    def count(self, limits: Sequence[Limit], change: int) -> list[tuple[int, int]]:
        """The count of each limit and the seconds until it is forgotten."""
        with self._lock:
            return [self._count(limit, change) for limit in limits]

    def clear(self) -> None:
        self._counts.clear()

    def _count(self, limit: Limit, change: int) -> tuple[int, int]:
        count, end = self._counts.pop(limit.key, (0, 0.0))
        moment = monotonic()
        if end <= moment:
            count, end = 0, moment + limit.window
        self._counts[limit.key] = (count + change, end)
        if len(self._counts) > _MOST_KEPT:
            del self._counts[next(iter(self._counts))]
        return count + change, int(end - moment) + 1


_away, _own = _Away(), _OwnCounts()
