"""isolation: a healthy loop's time from hit to POST, alone and beside hundreds of busy loops in trouble."""

import time
from collections.abc import Sequence
from statistics import median

from bench.figures import percentile
from bench.leaving import leave
from bench.load import fire, launch
from bench.receiver import Receiver, receiving
from bench.scale import Scale
from bench.site import Site
from rig.customers import Customer, customer, customers

HEALTHY = "healthy"


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """95th percentiles (ms); `alone` is measured before each kind of trouble, and its median counts."""
    # As with strangers, the others' scripts are on servers of their own.
    with receiving() as receiver, receiving() as strange:
        site.start()
        healthy = customer(HEALTHY, [receiver.url(HEALTHY)])
        _p95(receiver, healthy, scale)
        alone: list[float] = []
        beside: dict[str, float | int] = {}
        others: Sequence[Customer] = ()
        for trouble, scripts in _troubles(strange, scale).items():
            leave(others)
            alone.append(_p95(receiver, healthy, scale))
            others = customers(trouble, scripts)
            beside[f"beside_{trouble}_p95_ms"] = _p95_beside(trouble, others, receiver, healthy, scale)
        return {"alone_p95_ms": median(alone), **beside}


def _troubles(strange: Receiver, scale: Scale) -> dict[str, list[str]]:
    # Those that hang until their deadline take the longest to leave; the last ones need not.
    return {
        "dns": [f"http://shop{number}.example.com/hooks/script.php" for number in range(scale.nameless_loops)],
        "errors": [strange.url(f"failing{number}", "error") for number in range(scale.failing_loops)],
        "hung": [strange.url(f"hung{number}", "hang") for number in range(scale.hung_loops)],
    }


def _p95(receiver: Receiver, healthy: Customer, scale: Scale) -> float:
    number = round(scale.isolation_per_second * scale.isolation_seconds)
    receiver.forget()
    fire(healthy.urls, number=number, rate=scale.isolation_per_second)
    receiver.await_posts(HEALTHY, number)
    return percentile(receiver.report(HEALTHY).latencies, 95)


def _p95_beside(trouble: str, others: Sequence[Customer], receiver: Receiver, healthy: Customer, scale: Scale) -> float:
    """The others' events go on from well before the healthy loop's until after the last of them.

    Raises RuntimeError when they did not: what was measured then is a loop that is alone.
    """
    seconds = scale.isolation_lead_seconds + 2 * scale.isolation_seconds
    rate = scale.isolation_beside_per_second
    firing = launch([each.urls[0] for each in others], number=round(rate * seconds), rate=rate)
    try:
        time.sleep(scale.isolation_lead_seconds)
        beside = _p95(receiver, healthy, scale)
        if not firing.is_under_way():
            raise RuntimeError(f"The events of the loops in trouble ({trouble}) ended before those of the healthy one.")
        return beside
    finally:
        firing.stop()
