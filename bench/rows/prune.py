"""prune: hits while days of a long history are pruned, one after another."""

import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import pairwise

from django.test import override_settings

from bench import history
from bench.load import launch
from bench.scale import Scale
from bench.site import Site
from feedbackloops.history import drop_old_partitions
from feedbackloops.models import Delivery
from rig.customers import customer
from rig.site import await_true
from tracking import partitions
from tracking.ids import first_id_at
from tracking.models import Event, Outbox

WARM_UP = 1000
# More than any machine answers, with a second for each day: the load ends when the last one is gone.
MOST_PER_SECOND = 50_000

Span = tuple[datetime, datetime]


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """Hits a second in the times in which a day is pruned, in parts of those in the pauses before each of them.

    The rests that pruning takes are part of it: four of BREATH_SECONDS a day, most of its time.
    """
    reader = customer("prune", [])
    history.fill(history.owners(), scale.growth_rows)
    site.start("web")
    firing = launch(reader.urls, number=round(MOST_PER_SECOND * (scale.prune_seconds + scale.prune_days)))
    try:
        # Nothing takes them out of there: only the web process runs.
        await_true(lambda: Outbox.objects.count() >= WARM_UP, "the first hits stored", 30.0)
        moments = list(_moments(scale.prune_days, scale.prune_seconds / scale.prune_days))
    finally:
        firing.stop()
    spans = list(pairwise(moments))
    return {"hits_ratio": _per_second(spans[1::2]) / _per_second(spans[::2])}


def _moments(days: int, pause: float) -> Iterable[datetime]:
    """Prune day by day; the moments at which the first pause and then each pruning and each pause began."""
    yield _now()
    for day in sorted(partitions.existing(Delivery._meta.db_table))[:days]:
        time.sleep(pause)
        yield _now()
        _prune(day)
        yield _now()


def _prune(day: date) -> None:
    """Drop a day as the upkeep of partitions does it. Raises RuntimeError when the tables were too busy for it."""
    today = _now().date()
    with override_settings(HISTORY_DAYS=(today - day).days - 1):
        drop_old_partitions(today)
    if day in partitions.existing(Delivery._meta.db_table):
        raise RuntimeError(f"The history of {day} could not be pruned under load.")


def _per_second(spans: Iterable[Span]) -> float:
    spans = list(spans)
    hits = sum(_hits(span) for span in spans)
    return hits / sum((end - start).total_seconds() for start, end in spans)


def _hits(span: Span) -> int:
    start, end = (first_id_at(moment) for moment in span)
    return Event.objects.filter(id__gte=start, id__lt=end).count()


def _now() -> datetime:
    return datetime.now(UTC)
