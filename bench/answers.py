"""What an answer costs by itself: a web process of its own (answer_only.py), where hits are taken and forgotten."""

from collections.abc import Sequence

from bench.load import Fired, fire
from bench.site import Site

NAME = "answer_only"


def start_answer_only(site: Site, urls: Sequence[str]) -> list[str]:
    """Start such a process; what the URLs of the site are there."""
    place = site.start_web(NAME, "bench.answer_only:application")
    return [place + url.removeprefix(site.tracking_url) for url in urls]


def fire_metered(site: Site, urls: Sequence[str], number: int, rate: float | None = None) -> tuple[Fired, float]:
    """`fire` at its URLs, and the CPU (ms) that one answer took. Raises ValueError where some got no good one."""
    before = site.cpu_of(NAME)
    fired = fire(urls, number=number, rate=rate).checked()
    return fired, 1000 * (site.cpu_of(NAME) - before) / number
