"""screens: how long the screens of the dashboard take beside a long history."""

import logging

from bench import history
from bench.dashboard import Dashboard
from bench.scale import Scale
from bench.site import Site
from screens.pages import screens

logger = logging.getLogger(__name__)


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """The number of screens that were looked at, and the time (ms, median of several looks) of the slowest."""
    site.start("web")
    owners = history.owners()
    history.fill(owners, scale.screens_rows)
    dashboard = Dashboard(site.tracking_url, scale.growth_looks)
    took = {name: dashboard.ms(address) for name, address in screens(owners[0].account).items()}
    for name in sorted(took, key=took.__getitem__, reverse=True):
        logger.info("%s: %.0f ms", name, took[name])
    return {"rows": scale.screens_rows, "number": len(took), "slowest_ms": max(took.values())}
