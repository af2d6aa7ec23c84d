"""PostgreSQL, as the service needs it."""

import os
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from feedbackloops.history import TABLES
from feedbackloops.models import ParkedEvent
from marketingsuite import probes
from marketingsuite.doctor.findings import Finding, clock, connections, ok, trouble, warning
from tracking import partitions
from tracking.models import Outbox

LEAST_VERSION = 15
# Of one host, with one process of each kind: for each web worker the spool, hits that are refused and 32 for the
# dashboard; events, worker and looks (docs/scale.md).
PER_WEB_WORKER, OTHERS = 34, 2 + 3 + 16
LATE_SECONDS = 60.0


def look() -> Iterator[Finding]:
    """What there is to say. Raises django.db.Error when PostgreSQL does not answer."""
    yield _version()
    yield from _safety()
    yield _clock()
    yield _connections()
    missing = probes.missing_migrations()
    yield _migrations(missing)
    if not missing:
        yield _partitions()
        yield from _backlog()


def _version() -> Finding:
    number = int(_value("SHOW server_version_num"))
    words = f"PostgreSQL {_value('SHOW server_version')} answers."
    if number // 10_000 < LEAST_VERSION:
        return trouble("database", words, f"Upgrade it: {LEAST_VERSION} is the least that the migrations need.")
    return ok("database", words)


def _safety() -> Iterator[Finding]:
    advice = "Switch it on in postgresql.conf: what was answered for would be lost when the server crashes."
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if _value(f"SHOW {name}") == "off":
            yield trouble("database safety", f"{name} is off.", advice)


def _clock() -> Finding:
    before = time.time()
    theirs = float(_value("SELECT extract(epoch FROM clock_timestamp())"))
    return clock("database clock", theirs - (before + time.time()) / 2)


def _connections() -> Finding:
    reserved = int(_value("SHOW superuser_reserved_connections"))
    taken = int(_value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    web = int(os.environ.get("WEB_WORKERS") or 1) * (PER_WEB_WORKER + settings.RECORDER_CONNECTIONS)
    return connections(int(_value("SHOW max_connections")) - reserved, taken, web + OTHERS)


def _migrations(missing: list[probes.Migration]) -> Finding:
    if not missing:
        return ok("migrations", "All of them are applied.")
    names = ", ".join(f"{app}.{name}" for app, name in missing)
    return trouble("migrations", f"Not applied, up to: {names}.", "Run `manage.py migrate`.")


def _partitions() -> Finding:
    today = now().date()
    ahead = min((max(partitions.existing(table), default=today) - today).days for table in TABLES)
    words = f"History has partitions for {ahead} days ahead."
    advice = "See that `events` and `beat` run: they make them, every hour. What no day covers goes to a default one."
    return ok("partitions", words) if ahead >= 2 else trouble("partitions", words, advice)


def _backlog() -> Iterator[Finding]:
    oldest = Outbox.objects.order_by("event_id").values_list("created", flat=True).first()
    waited = (now() - oldest).total_seconds() if oldest else 0.0
    if waited > LATE_SECONDS:
        words = f"An event has waited for its fan-out for {waited:,.0f} s."
        yield trouble("outbox", words, "See that `events` and `beat` run, and that the broker answers.")
    if parked := ParkedEvent.objects.count():
        advice = "Look at their errors under Parked events in the dashboard, and try them again once that is mended."
        yield warning("parked events", f"{parked} could not be fanned out.", advice)


def _value(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])
