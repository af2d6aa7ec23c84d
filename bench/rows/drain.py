"""drain: one worker process empties one lane, beside libcurl alone with the same bodies and the same receiver."""

from statistics import median

from bench import bare, figures
from bench.receiver import Received, Receiver, receiving
from bench.scale import Scale
from bench.site import Site, spent
from bench.warming import warm_worker
from feedbackloops.doorbell import ring_for_lanes
from feedbackloops.models import LoopStatus
from rig.customers import Customer, customer
from rig.site import await_true

IN_FLIGHT = 500
BARE = "bare"
WAIT_SECONDS = 300.0


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """Deliveries a second, from the first POST to the last; CPU of worker and PostgreSQL until all is recorded."""
    with receiving() as receiver:
        site.start("worker")
        warm = customer("warm", [receiver.url("warm")], in_flight_limit=IN_FLIGHT)
        waiting = customer("drain", [receiver.url("drain")], in_flight_limit=IN_FLIGHT)
        warm_worker(warm, receiver, "warm")
        pairs: list[tuple[float, float]] = []
        cpu: list[float] = []
        for _ in range(scale.pairs):
            received, used = drain(site, waiting, receiver, "drain", scale.drain_deliveries)
            cpu.append(1000 * used / scale.drain_deliveries)
            pairs.append((received.per_second, _bare(receiver, received, scale.drain_deliveries)))
        per_second, reference, ratio = figures.medians(pairs)
        return {"per_second": per_second, "bare_per_second": reference, "ratio": ratio, "cpu_ms": median(cpu)}


def drain(site: Site, waiting: Customer, receiver: Receiver, name: str, number: int) -> tuple[Received, float]:
    """What the script of this name got of so many deliveries that waited, and the CPU seconds that they took."""
    waiting.set_status(LoopStatus.PAUSED)
    waiting.owe(number)
    waiting.set_status(LoopStatus.ACTIVE)
    before = site.cpu()
    ring_for_lanes([waiting.loop.pk])
    receiver.await_posts(name, number, WAIT_SECONDS)
    await_true(lambda: not waiting.has_pending(), "all deliveries recorded", WAIT_SECONDS)
    used = spent(before, site.cpu(), "worker", "postgres")
    received = receiver.report(name)
    received.check_samples(waiting.loop.secret)
    receiver.forget()
    return received, used


def _bare(receiver: Receiver, received: Received, number: int) -> float:
    bare.post(receiver.url(BARE), received.samples, number=number, connections=IN_FLIGHT)
    per_second = receiver.report(BARE).per_second
    receiver.forget()
    return per_second
