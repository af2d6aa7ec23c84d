"""Figures of the whole installation, from PostgreSQL: what waits, in which state, and what became of today's attempts.

A few statements over sets, each bounded in time; none reads history, and what waits is counted up to a limit.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django.db import Error, connection, transaction
from django.utils.timezone import now
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from feedbackloops.backlog import oldest_pending
from feedbackloops.history import TABLES
from feedbackloops.protocol import latency
from tracking import partitions

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]

PATIENCE_MS: Final = 2000
MOST_OF_OUTBOX: Final = 100_000
MOST_OF_LANE: Final = 10_000
LANE_STATES: Final = ("active", "cooling", "stopped", "unverified", "paused", "disabled")

OUTBOX: Final = f"""
SELECT (SELECT count(*) FROM (SELECT FROM tracking_outbox LIMIT {MOST_OF_OUTBOX}) counted),
    coalesce((SELECT extract(epoch FROM now() - created) FROM tracking_outbox ORDER BY event_id LIMIT 1), 0)::float8
"""

PARKED: Final = f"SELECT count(*) FROM (SELECT FROM feedbackloops_parkedevent LIMIT {MOST_OF_OUTBOX}) counted"

LANES: Final = f"""
SELECT state, count(*), sum(depth)::bigint, coalesce(max(late), 0)::float8 FROM (
    SELECT waiting.depth, extract(epoch FROM now() - first.due) AS late,
        CASE WHEN l.status <> 'active' THEN l.status
            WHEN l.verified_place = '' OR l.verified_place <> l.place THEN 'unverified'
            WHEN s.stopped IS NOT NULL THEN 'stopped'
            WHEN s.cooling_until > now() THEN 'cooling' ELSE 'active' END AS state
    FROM feedbackloops_feedbackloop l LEFT JOIN feedbackloops_lanestate s ON s.loop_id = l.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS depth FROM (
            SELECT FROM feedbackloops_delivery d
            WHERE d.loop_id = l.id AND d.state = 'pending' AND d.id >= %(oldest)s LIMIT {MOST_OF_LANE}
        ) counted
    ) waiting
    LEFT JOIN LATERAL (
        SELECT d.next_attempt AS due FROM feedbackloops_delivery d
        WHERE d.loop_id = l.id AND d.state = 'pending' AND d.next_attempt <= now() AND d.id >= %(oldest)s
        ORDER BY d.next_attempt LIMIT 1
    ) first ON true
) lane GROUP BY state
"""

ENGINES: Final = """
SELECT count(DISTINCT engine), count(*) FROM feedbackloops_lanestate WHERE leased_until > now()
"""

# Loop by loop, since hours are found by their loop; the counts begin anew at midnight (UTC).
TODAY: Final = f"""
SELECT coalesce(sum(h.delivered), 0)::bigint, coalesce(sum(h.failed), 0)::bigint, coalesce(sum(h.given_up), 0)::bigint,
    {", ".join(f"coalesce(sum(h.latency[{place}]), 0)::bigint" for place in range(1, latency.BUCKETS + 1))}
FROM feedbackloops_feedbackloop l JOIN feedbackloops_loophour h
    ON h.loop_id = l.id AND h.hour >= date_trunc('day', now(), 'UTC')
"""


def families() -> Sequence[Metric]:
    """What is known from PostgreSQL; a statement that takes too long is left out. Raises django.db.Error."""
    try:
        connection.ensure_connection()
        return [family for statement in STATEMENTS for family in _asked(statement)]
    finally:
        connection.close()


def _asked(statement: Callable[[], Iterator[Metric]]) -> list[Metric]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            return list(statement())
    except Error as error:
        logger.warning("Figures of %s are left out: %s", statement.__name__, str(error).strip())
        return []


def _rows(query: str, **parameters: Any) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        found: list[Row] = cursor.fetchall()
        return found


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"marketingsuite_{name}", meaning, value=value)


def outbox() -> Iterator[Metric]:
    """Events that no fan-out has taken, and those that none could."""
    ((rows, age),), ((parked,),) = _rows(OUTBOX), _rows(PARKED)
    yield _gauge("outbox_rows", f"Events that wait for their fan-out, counted up to {MOST_OF_OUTBOX}.", rows)
    yield _gauge("outbox_oldest_seconds", "How long the oldest of them has waited.", age)
    yield _gauge("parked_events", "Events that fan-out failed on, until staff try them again.", parked)


def lanes() -> Iterator[Metric]:
    """What waits in the lanes, by their state."""
    found = {state: figures for state, *figures in _rows(LANES, oldest=oldest_pending())}
    number = GaugeMetricFamily("marketingsuite_lanes", "Lanes in each state.", labels=["state"])
    depth = GaugeMetricFamily(
        "marketingsuite_lane_depth", f"Deliveries that wait there, up to {MOST_OF_LANE} of a lane.", labels=["state"]
    )
    late = GaugeMetricFamily(
        "marketingsuite_lane_oldest_seconds", "For how long one of them has been due.", labels=["state"]
    )
    for state in LANE_STATES:
        for family, figure in zip((number, depth, late), found.get(state, (0, 0, 0.0)), strict=True):
            family.add_metric([state], figure)
    yield from (number, depth, late)


def engines() -> Iterator[Metric]:
    """Who holds lanes."""
    ((engines, leases),) = _rows(ENGINES)
    yield _gauge("engines", "Engines that hold a lane at this moment.", engines)
    yield _gauge("leases", "Lanes that an engine holds at this moment.", leases)


def today() -> Iterator[Metric]:
    """What became of the attempts that started since midnight (UTC)."""
    ((delivered, failed, given_up, *buckets),) = _rows(TODAY)
    ended = CounterMetricFamily("marketingsuite_ended", "What came of attempts, since midnight (UTC).", labels=["as"])
    for name, figure in (("delivered", delivered), ("failed", failed), ("given_up", given_up)):
        ended.add_metric([name], figure)
    yield ended
    yield latencies(buckets)


def latencies(buckets: Sequence[int]) -> Metric:
    """Counts of the buckets of protocol.latency as a histogram; there is no sum, since none is kept."""
    family = HistogramMetricFamily(
        "marketingsuite_latency_seconds", "Time from an event to the receipt of its delivery, since midnight (UTC)."
    )
    bounds = [*(str(float(bound)) for bound in latency.BOUNDS), "+Inf"]
    reached = [sum(buckets[: place + 1]) for place in range(len(buckets))]
    family.add_metric([], list(zip(bounds, reached, strict=True)), sum_value=None)
    family.add_sample("marketingsuite_latency_seconds_count", {}, reached[-1])
    return family


def days_ahead() -> Iterator[Metric]:
    """How far partitions are made ahead."""
    last = min(max(partitions.existing(table), default=now().date()) for table in TABLES)
    yield _gauge("partitions_ahead_days", "Days after today that have their partitions.", (last - now().date()).days)


STATEMENTS: Final = (outbox, lanes, engines, today, days_ahead)
