from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from marketingsuite import metrics
from marketingsuite.bounded import Bounded
from marketingsuite.metrics import host, queues

Figures = dict[tuple[str, frozenset[str]], float]


@pytest.fixture
def figures(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Figures]:
    """What a scrape reads at this moment, by name and values of the labels, on a host of the test's own."""
    settings.VAR_DIR, settings.SPOOL_DIR = tmp_path, tmp_path / "spool"
    settings.SPOOL_DIR.mkdir()
    parts = {"host": host.families, "database": queues.families}
    made = {name: Bounded(name, work, patience=2.0, kept=0.0) for name, work in parts.items()}
    monkeypatch.setattr(metrics, "PARTS", made)
    return lambda: read(metrics.exposition_for_thread().decode())


def read(text: str) -> Figures:
    families = text_string_to_metric_families(text)
    return {(each.name, frozenset(each.labels.values())): each.value for family in families for each in family.samples}
