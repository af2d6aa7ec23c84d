"""What Prometheus is told: what this host's processes have counted, and how the queues in PostgreSQL stand.

Each of the two is gathered in a thread of its own, for PATIENCE_SECONDS at the most: one that hangs costs only itself.
"""

import logging
from asyncio import gather, to_thread
from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from marketingsuite.bounded import Bounded
from marketingsuite.metrics import host, queues

__all__ = ["CONTENT_TYPE", "exposition", "exposition_for_thread"]

logger = logging.getLogger(__name__)

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
# Prometheus itself waits for 10 s.
PATIENCE_SECONDS: Final = 6.0
KEPT_SECONDS: Final = 2.0

Families = Sequence[Metric]

PARTS: Final[dict[str, Bounded[Families]]] = {
    name: Bounded(f"metrics-{name}", work, patience=PATIENCE_SECONDS, kept=KEPT_SECONDS)
    for name, work in (("host", host.families), ("database", queues.families))
}


async def exposition() -> bytes:
    """The figures, in the text format of Prometheus."""
    found = await gather(*(part.answer() for part in PARTS.values()), return_exceptions=True)
    return await to_thread(_written, found)


def exposition_for_thread() -> bytes:
    """The same for a thread that may wait."""
    return _written([_waited_for(part) for part in PARTS.values()])


def _waited_for(part: Bounded[Families]) -> Families | BaseException:
    try:
        return part.wait()
    except Exception as error:
        return error


def _written(found: Iterable[Families | BaseException]) -> bytes:
    gathered = GaugeMetricFamily("marketingsuite_gathered", "1 where these figures could be had.", labels=["part"])
    everything: list[Metric] = [gathered]
    for name, families in zip(PARTS, found, strict=True):
        if isinstance(families, BaseException):
            logger.debug("The figures of the %s could not be had: %r", name, families)
        else:
            everything += families
        gathered.add_metric([name], float(not isinstance(families, BaseException)))
    return generate_latest(_Gathered(everything))


class _Gathered:
    def __init__(self, families: Families) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
