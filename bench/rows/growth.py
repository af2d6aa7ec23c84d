"""growth: what the same things cost beside a long history, a long backlog and an old transaction."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean, median

import psycopg
import redis
from django.db import connection

from bench import history
from bench.dashboard import Dashboard
from bench.figures import medians
from bench.leaving import await_given_back, leave
from bench.load import fire
from bench.receiver import Receiver, receiving
from bench.rows.drain import IN_FLIGHT, drain
from bench.scale import Scale
from bench.site import Site
from feedbackloops import fanout, lanes
from feedbackloops.doorbell import ring_for_lanes
from feedbackloops.models import Delivery, LoopStatus
from feedbackloops.tasks import RING_SECONDS
from rig.customers import Customer, customer

PLAIN, BACKLOG = "growth", "backlog"


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """Ratios to an empty history: of speeds for hits and drains, of times for the sweep and the admin's pages."""
    with receiving() as receiver:
        bench = Bench(site, scale, receiver)
        old_snapshot_ratio = bench.old_snapshot_ratio()
        history.make_days()
        empty = bench.figures()
        history.fill(bench.owners, scale.growth_rows)
        beside = bench.figures()
        site.empty_history()
        # The machine may have become slower or faster meanwhile: the reference is measured before and after.
        empty = {key: mean([empty[key], after]) for key, after in bench.figures().items()}
        return {
            "rows": scale.growth_rows,
            **{f"{key}_ratio": beside[key] / empty[key] for key in ("hits", "drain", "sweep")},
            "admin_ratio": max(beside[page] / empty[page] for page in ("list", "page")),
            "backlog_ratio": bench.backlog_ratio(),
            "old_snapshot_ratio": old_snapshot_ratio,
        }


class Bench:
    """What is measured several times over: a customer's hits and deliveries, the sweep, and the dashboard."""

    def __init__(self, site: Site, scale: Scale, receiver: Receiver) -> None:
        """Start the processes that it takes, and let each of them do all of it once."""
        self._site, self._scale, self._receiver = site, scale, receiver
        site.start("web", "worker")
        self._customer = customer(PLAIN, [receiver.url(PLAIN)], in_flight_limit=IN_FLIGHT)
        self.owners = history.owners()
        self._dashboard = Dashboard(site.tracking_url, scale.growth_looks)
        self._once()

    def figures(self) -> dict[str, float]:
        """Hits and drained deliveries a second, a sweep and two pages of the dashboard in ms; medians of several."""
        self._once()
        history.settle()
        measured = [self._once() for _ in range(self._scale.growth_pairs)]
        return {key: median(each[key] for each in measured) for key in measured[0]}

    def old_snapshot_ratio(self) -> float:
        """The speed of a drain while another transaction needs all that was deleted since, to that of a plain one."""
        plain, held = [], []
        for _ in range(self._scale.growth_pairs):
            plain.append(self._drain())
            with _old_snapshot(self._site.database_url):
                # What dies in the first one is in the way of the second.
                self._drain()
                held.append(self._drain())
        return median(held) / median(plain)

    def backlog_ratio(self) -> float:
        """The speed of a drain out of a lane in which very many wait, to that of a plain one, each in turn."""
        waiting = customer(BACKLOG, [self._receiver.url(BACKLOG)], people=1, in_flight_limit=IN_FLIGHT)
        history.backlog(waiting.loop, self._scale.backlog_rows)
        self._some_of(waiting)
        pairs = [(self._some_of(waiting), self._drain()) for _ in range(self._scale.growth_pairs)]
        leave([waiting])
        return medians(pairs)[2]

    def _once(self) -> dict[str, float]:
        figures = {"hits": self._hits(), "drain": self._drain(), "sweep": _sweep_ms(self._scale.growth_sweeps)}
        newest = Delivery.objects.filter(account=self._customer.account).order_by("-id")[0]
        return figures | {"list": self._dashboard.list_ms(), "page": self._dashboard.page_ms(newest)}

    def _hits(self) -> float:
        fired = fire(self._customer.urls, number=self._scale.growth_hits).checked()
        # Nobody is there to fan them out: without this, the outbox and the queue would grow from figure to figure.
        with connection.cursor() as cursor, redis.Redis.from_url(self._site.redis_url) as broker:
            cursor.execute("TRUNCATE tracking_outbox")
            broker.delete("events")
        return fired.per_second

    def _drain(self) -> float:
        received, _ = drain(self._site, self._customer, self._receiver, PLAIN, self._scale.growth_deliveries)
        return received.per_second

    def _some_of(self, waiting: Customer) -> float:
        """Deliveries a second of a lane that is set going, and held again once it has made its share."""
        waiting.set_status(LoopStatus.ACTIVE)
        ring_for_lanes([waiting.loop.pk])
        self._receiver.await_posts(BACKLOG, self._scale.growth_deliveries)
        waiting.set_status(LoopStatus.PAUSED)
        await_given_back([waiting])
        per_second = self._receiver.report(BACKLOG).per_second
        self._receiver.forget()
        return per_second


def _sweep_ms(times: int) -> float:
    """What the task of that name asks PostgreSQL, where nothing waits; the median of so many times."""
    return 1000 * median(_seconds_of_sweep() for _ in range(times))


def _seconds_of_sweep() -> float:
    started = time.monotonic()
    fanout.waiting(1, RING_SECONDS)
    lanes.due()
    return time.monotonic() - started


@contextmanager
def _old_snapshot(database_url: str) -> Iterator[None]:
    """Have a transaction that may still look at everything as it is now, for the length of the block."""
    with psycopg.connect(database_url) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute("SELECT count(*) FROM feedbackloops_lanestate")
        yield
