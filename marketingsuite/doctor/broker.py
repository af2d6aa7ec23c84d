"""Redis, Valkey or RabbitMQ, as the doorbell needs it."""

import time
from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings

from marketingsuite import probes
from marketingsuite.doctor.findings import Finding, clock, ok, warning

SECONDS = 2.0


def look() -> Iterator[Finding]:
    """What there is to say. Raises what the broker's library does when it does not answer."""
    started = time.monotonic()
    probes.broker()
    words = f"It answers within {(time.monotonic() - started) * 1000:.0f} ms, connecting included."
    yield ok("broker", words)
    if settings.CELERY_BROKER_URL.startswith("redis"):
        options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, **options) as client:
            yield from _redis(client)


def _redis(client: redis.Redis) -> Iterator[Finding]:
    try:
        yield _clock(client)
        yield from _memory(client.info())
    except redis.ResponseError as error:
        yield warning("broker", f"It does not tell of itself: {error}.", "Allow its user INFO and TIME.")


def _clock(client: redis.Redis) -> Finding:
    before = time.time()
    seconds, microseconds = client.time()
    return clock("broker clock", seconds + microseconds / 1e6 - (before + time.time()) / 2)


def _memory(info: dict[str, Any]) -> Iterator[Finding]:
    name = "Valkey" if "valkey_version" in info else "Redis"
    yield ok("broker version", f"{name} {info.get('valkey_version') or info.get('redis_version')}.")
    policy, most, used = info.get("maxmemory_policy"), info.get("maxmemory", 0), info.get("used_memory", 0)
    if most and policy != "noeviction":
        advice = "Set maxmemory-policy to noeviction: rings that it drops come again only with the sweep."
        yield warning("broker memory", f"When it is full, it drops what it holds ({policy}).", advice)
    if most and used > most * 0.8:
        words = f"It uses {used / 1e6:,.0f} MB of {most / 1e6:,.0f} MB."
        yield warning("broker memory", words, "See that `events`, `worker` and `looks` run; or raise maxmemory.")
