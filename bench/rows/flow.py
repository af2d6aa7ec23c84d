"""flow: hits come in and POSTs go out at once, until the last POST has arrived."""

from dataclasses import dataclass
from statistics import median

from bench.load import fire
from bench.receiver import Receiver, receiving
from bench.scale import Scale
from bench.site import Site, spent
from bench.warming import warm_flow
from feedbackloops.models import DeliveryState
from rig.customers import Customer, customer
from rig.site import await_true

NAME = "flow"
IN_FLIGHT = 500
# What has not come by then is lost: the sweep has rung many times over, and a lease has lapsed.
WAIT_SECONDS = 180.0
RECORD_SECONDS = 30.0
# The parts whose memory counts, and what they took at most in the flow that was measured last, in MB.
MEASURED = ("web", "worker")
peaks: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Flow:
    """One stretch of hits: `cpu_ms` of all parts for an event; `lost` were answered and never POSTed."""

    per_second: float
    cpu_ms: float
    lost: int
    duplicates: int


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """Events a second, from the first hit to the last POST, as the median of a few stretches."""
    with receiving() as receiver:
        site.start()
        customer = ready(receiver)
        stretches = [run(site, customer, receiver, scale.flow_hits) for _ in range(scale.pairs)]
        peaks.update({part: site.peak_mb(part) for part in MEASURED})
    return {
        "per_second": median(each.per_second for each in stretches),
        "cpu_ms": median(each.cpu_ms for each in stretches),
        "lost": sum(each.lost for each in stretches),
        "duplicates": sum(each.duplicates for each in stretches),
    }


def ready(receiver: Receiver) -> Customer:
    """A customer whose events have been flowing to the receiver already."""
    made = customer(NAME, [receiver.url(NAME)], in_flight_limit=IN_FLIGHT)
    warm_flow(made, receiver, NAME)
    return made


def run(site: Site, customer: Customer, receiver: Receiver, hits: int) -> Flow:
    """Have so many hits come in over 64 connections as fast as they are answered, and go out.

    Raises ValueError for hits that got no good answer, and TimeoutError when PostgreSQL, in the end, does not say the
    same as the receiver.
    """
    events = customer.events()
    before = site.cpu()
    fired = fire(customer.urls, number=hits).checked()
    came = receiver.wait_for(NAME, fired.answered, WAIT_SECONDS)
    used = spent(before, site.cpu())
    if came:
        await_true(lambda: _books_agree(customer, events + fired.answered), "the books agree", RECORD_SECONDS)
    # Not before: what was sent twice may come the second time after all the others.
    received = receiver.report(NAME)
    receiver.forget()
    if came:
        received.check_samples(customer.loop.secret)
    return Flow(
        per_second=received.distinct / (received.last - fired.first_sent),
        cpu_ms=1000 * used / received.distinct,
        lost=fired.answered - received.distinct,
        duplicates=received.duplicates,
    )


def _books_agree(customer: Customer, events: int) -> bool:
    return customer.events() == customer.deliveries(DeliveryState.DELIVERED) == events and not customer.has_pending()
