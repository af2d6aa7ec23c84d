"""quiet: what a delivery costs when nothing batches, because every event comes alone and is for a loop of its own."""

from bench.load import fire
from bench.receiver import receiving
from bench.scale import Scale
from bench.site import Site, spent
from rig.customers import customers

NAME = "quiet"


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """One hit a second for each loop, at equal distances; the CPU time (ms) that all our parts spend on a delivery."""
    loops, number = scale.quiet_loops, round(scale.quiet_loops * scale.quiet_seconds)
    with receiving() as receiver:
        site.start()
        # Unlike loops of one customer's, none of these gets an event that another one gets.
        urls = [each.urls[0] for each in customers(NAME, [receiver.url(NAME)] * loops)]
        fire(urls, number=loops, rate=loops)
        receiver.await_posts(NAME, loops)
        before = site.cpu()
        fire(urls, number=number, rate=loops)
        receiver.await_posts(NAME, loops + number)
        return {"loops": loops, "cpu_ms": 1000 * spent(before, site.cpu()) / number}
