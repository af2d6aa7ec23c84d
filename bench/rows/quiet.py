"""quiet: what a delivery costs when nothing batches, because every event comes alone and is for a loop of its own."""

from bench.answers import fire_metered, start_answer_only
from bench.load import fire
from bench.receiver import receiving
from bench.scale import Scale
from bench.site import Site, spent
from bench.warming import warm_web
from rig.customers import customers

NAME = "quiet"


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """One hit a second for each loop, at equal distances; the CPU time (ms) that all our parts spend on a delivery.

    How much of that is due to caches that are cold between two hits, and to wakes that no two hits share, an answer
    alone tells at the same rate.
    """
    loops, number = scale.quiet_loops, round(scale.quiet_loops * scale.quiet_seconds)
    with receiving() as receiver:
        # Unlike loops of one customer's, none of these gets an event that another one gets.
        urls = [each.urls[0] for each in customers(NAME, [receiver.url(NAME)] * loops)]
        answer_only = start_answer_only(site, urls)
        warm_web(answer_only)
        _, answer_only_ms = fire_metered(site, answer_only, number, rate=loops)
        site.start()
        fire(urls, number=loops, rate=loops)
        receiver.await_posts(NAME, loops)
        before = site.cpu()
        fire(urls, number=number, rate=loops)
        receiver.await_posts(NAME, loops + number)
        cpu_ms = 1000 * spent(before, site.cpu()) / number
        return {"loops": loops, "cpu_ms": cpu_ms, "answer_only_cpu_ms": answer_only_ms}
