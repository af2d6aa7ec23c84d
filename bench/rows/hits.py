"""hits: clicks and opens answered and stored, beside the same view that stores nothing."""

from statistics import median

from bench import figures, pgbench
from bench.answers import fire_metered, start_answer_only
from bench.load import fire
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
    answer_only = start_answer_only(site, visited.urls)
    warm_web(visited.urls)
    warm_web(answer_only)
    pairs: list[tuple[float, float]] = []
    cpu: list[tuple[float, float]] = []
    for _ in range(scale.hits_pairs):
        before = site.cpu()
        stored = fire(visited.urls, number=scale.hits).checked()
        stored_ms = 1000 * spent(before, site.cpu(), "web", "postgres") / scale.hits
        answered, answered_ms = fire_metered(site, answer_only, scale.hits)
        pairs.append((stored.per_second, answered.per_second))
        cpu.append((stored_ms, answered_ms))
    _insist_on_events(visited, WARM_HITS + scale.hits_pairs * scale.hits)
    per_second, reference, ratio = figures.medians(pairs)
    cpu_ms, answer_only_cpu_ms = map(median, zip(*cpu, strict=True))
    measured = {"per_second": per_second, "answer_only_per_second": reference, "ratio": ratio}
    measured |= {"cpu_ms": cpu_ms, "answer_only_cpu_ms": answer_only_cpu_ms}
    return measured | pgbench.measure(site, visited)


def _insist_on_events(visited: Customer, number: int) -> None:
    """Every hit that was answered is an event; what was spooled is one within moments."""
    await_true(lambda: visited.events() == number, f"{number} hits stored, each once", STORED_SECONDS)
