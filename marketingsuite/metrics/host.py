"""Figures of this host: what its processes have counted and when they last moved, and what lies in its spool."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import time
from typing import Final

from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from marketingsuite.vitals import files

SPOOL_KINDS: Final = ("hits", "refused", "unreadable")
# What a process publishes, and what it is called here: name, meaning, label.
COUNTED: Final = {
    "hits": ("marketingsuite_hits", "Hits that came in, by type.", "type"),
    "spooled": ("marketingsuite_hits_spooled", "Of them those that went to the spool first.", "type"),
    "lost": ("marketingsuite_hits_lost", "Of them those that neither PostgreSQL nor the spool took.", "type"),
    "attempts": ("marketingsuite_attempts", "Attempts that were recorded, by outcome.", "outcome"),
}


def families() -> Sequence[Metric]:
    """What is known of this host."""
    place = files.folder(settings.VAR_DIR)
    return [*_counters(place), _silences(place), *_spool(settings.SPOOL_DIR)]


def _counters(place: Path) -> list[Metric]:
    made = {
        counted: CounterMetricFamily(name, meaning, labels=["process", label])
        for counted, (name, meaning, label) in COUNTED.items()
    }
    for process, counts in files.counts(place):
        for counted, by_label in counts.items():
            # A process of the version after this one may count more.
            for value, count in by_label.items() if counted in made else ():
                made[counted].add_metric([process, value], count)
    return list(made.values())


def _silences(place: Path) -> Metric:
    family = GaugeMetricFamily(
        "marketingsuite_process_silence_seconds", "Time since a process of this host last moved.", labels=["process"]
    )
    for name, age in files.signs(place):
        family.add_metric([name], age)
    return family


def _spool(folder: Path) -> Iterator[Metric]:
    found = GaugeMetricFamily("marketingsuite_spool_files", "Files in the spool of this host.", labels=["kind"])
    size = GaugeMetricFamily("marketingsuite_spool_bytes", "Their size.", labels=["kind"])
    age = GaugeMetricFamily("marketingsuite_spool_oldest_seconds", "Age of the oldest of them.", labels=["kind"])
    for kind in SPOOL_KINDS:
        stats = [path.stat() for path in folder.glob(f"*.{kind}") if path.exists()]
        found.add_metric([kind], len(stats))
        size.add_metric([kind], sum(each.st_size for each in stats))
        age.add_metric([kind], max((time() - each.st_mtime for each in stats), default=0.0))
    yield from (found, size, age)
