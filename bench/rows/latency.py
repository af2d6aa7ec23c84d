"""latency: from the hit's arrival to the POST's arrival."""

from bench.figures import percentile
from bench.load import fire
from bench.receiver import Receiver, receiving
from bench.rows import flow
from bench.scale import Scale
from bench.site import Site
from rig.customers import Customer

IDLE_PER_SECOND = 1.0


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """Percentiles (ms) at a steady rate; and the median at one event a second."""
    with receiving() as receiver:
        site.start()
        customer = flow.ready(receiver)
        steady = _latencies(customer, receiver, scale.latency_per_second, scale.latency_seconds)
        idle = _latencies(customer, receiver, IDLE_PER_SECOND, scale.idle_seconds)
    return {f"p{percent}_ms": percentile(steady, percent) for percent in (50, 95, 99)} | {
        "idle_p50_ms": percentile(idle, 50)
    }


def _latencies(customer: Customer, receiver: Receiver, rate: float, seconds: float) -> list[float]:
    """In ms, of hits at this rate that each were to be sent at their moment."""
    fired = fire(customer.urls, number=round(rate * seconds), rate=rate).checked()
    receiver.await_posts(flow.NAME, fired.answered)
    latencies = receiver.report(flow.NAME).latencies
    receiver.forget()
    if len(latencies) < fired.answered:
        raise ValueError(f"{len(latencies)} of {fired.answered} POSTs had a stamp.")
    return latencies
