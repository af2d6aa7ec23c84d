"""memory: what the processes take while events flow."""

from bench.rows import flow
from bench.scale import Scale
from bench.site import Site


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """The highest resident size (MB) of the web and of the worker process under flow; that row tells, if it has run."""
    if not flow.peaks:
        flow.measure(site, scale)
    return {f"{part}_mb": mb for part, mb in flow.peaks.items()}
