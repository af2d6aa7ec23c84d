"""hits: clicks and opens answered and stored, beside the same view that stores nothing."""

from statistics import median

from bench import figures, pgbench
from bench.load import Fired, fire
from bench.scale import Scale
from bench.site import Site, spent
from bench.warming import WARM_HITS, warm_web
from rig.customers import Customer, customer
from rig.site import await_true

STORED_SECONDS = 30.0


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """Hits a second over 64 connections that are kept, web process and PostgreSQL alone; CPU of these two for a hit."""
    visited = customer("hits", [])
    site.start("web")
    answer_only = _moved(
        visited.urls, site.tracking_url, site.start_web("answer_only", "bench.answer_only:application")
    )
    warm_web(visited.urls)
    warm_web(answer_only)
    pairs: list[tuple[float, float]] = []
    cpu: list[float] = []
    for _ in range(scale.pairs):
        before = site.cpu()
        stored = _fired(visited.urls, scale.hits)
        cpu.append(1000 * spent(before, site.cpu(), "web", "postgres") / scale.hits)
        pairs.append((stored.per_second, _fired(answer_only, scale.hits).per_second))
    _insist_on_events(visited, WARM_HITS + scale.pairs * scale.hits)
    per_second, reference, ratio = figures.medians(pairs)
    measured = {"per_second": per_second, "answer_only_per_second": reference, "ratio": ratio, "cpu_ms": median(cpu)}
    return measured | pgbench.measure(site, visited)


def _fired(urls: list[str], number: int) -> Fired:
    fired = fire(urls, number=number)
    if fired.failed:
        raise ValueError(f"{fired.failed} of {number} hits got no good answer.")
    return fired


def _moved(urls: list[str], place: str, other: str) -> list[str]:
    return [other + url.removeprefix(place) for url in urls]


def _insist_on_events(visited: Customer, number: int) -> None:
    """Every hit that was answered is an event; what was spooled is one within moments."""
    await_true(lambda: visited.events() == number, f"{number} hits stored, each once", STORED_SECONDS)
