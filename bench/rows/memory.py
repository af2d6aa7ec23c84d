"""memory: what the processes take while events flow."""

from bench.receiver import receiving
from bench.rows import flow
from bench.scale import Scale
from bench.site import Site


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """The highest resident size (MB) of the web and of the worker process under flow."""
    with receiving() as receiver:
        site.start()
        flow.run(site, flow.ready(receiver), receiver, scale.flow_hits)
        return {"web_mb": site.peak_mb("web"), "worker_mb": site.peak_mb("worker")}
