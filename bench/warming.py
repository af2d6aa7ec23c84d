"""What runs for a while before it is measured: connections made, statements planned, memory taken."""

from collections.abc import Sequence

from bench.load import fire
from bench.receiver import Receiver
from feedbackloops.doorbell import ring_for_lanes
from rig.customers import Customer

WARM_HITS = 2000
WARM_DELIVERIES = 2000


def warm_web(urls: Sequence[str]) -> None:
    """Have WARM_HITS hits answered; nobody waits for what follows from them. Raises ValueError where some were not."""
    fire(urls, number=WARM_HITS).checked()


def warm_worker(customer: Customer, receiver: Receiver, name: str) -> None:
    """Have deliveries sent to the script of this name by the worker alone; the receiver then begins anew."""
    customer.owe(WARM_DELIVERIES)
    ring_for_lanes(loop.pk for loop in customer.loops)
    receiver.await_posts(name, WARM_DELIVERIES)
    receiver.forget()


def warm_flow(customer: Customer, receiver: Receiver, name: str) -> None:
    """Have hits go all the way to the script of this name; the receiver then begins anew."""
    answered = fire(customer.urls, number=WARM_HITS).answered
    receiver.await_posts(name, answered)
    receiver.forget()
