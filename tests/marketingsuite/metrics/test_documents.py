"""What docs/monitoring.md and docs/alerts.yml say, held against what a scrape reads."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from marketingsuite.vitals import files
from tests.marketingsuite.metrics.conftest import Figures

DOCS = Path(__file__).resolve().parents[3] / "docs"
MONITORING, ALERTS = (DOCS / "monitoring.md").read_text(), (DOCS / "alerts.yml").read_text()


def described() -> set[str]:
    """The names in the table of metrics, those of several in one cell written out."""
    names: set[str] = set()
    for cell in re.findall(r"^\| (`marketingsuite_[^|]+)\|", MONITORING, re.MULTILINE):
        first, *others = re.findall(r"`(\w+)`", cell)
        names |= {first} | {other if other.startswith("m") else first[: first.rindex("_")] + other for other in others}
    return names


@pytest.mark.django_db(transaction=True)
def test_every_metric_is_described_and_alerts_ask_for_no_other(figures: Callable[[], Figures], tmp_path: Path) -> None:
    place, counts = files.folder(tmp_path), {"hits": {"open": 1}, "spooled": {"open": 1}, "lost": {"open": 1}}
    files.touch(place, "web-1")
    files.write_counts(place, "web-1", counts | {"attempts": {"accepted": 1}})
    read = {name for name, _ in figures()}
    whole = {re.sub(r"_seconds_(bucket|count)$", "_seconds", name) for name in read}
    assert described() == whole
    assert set(re.findall(r"marketingsuite_\w+", ALERTS)) <= read


def test_every_alert_has_its_row() -> None:
    rows = re.findall(r"^\| `([A-Z]\w+)` \|", MONITORING, re.MULTILINE)
    assert rows == re.findall(r"alert: (\w+)", ALERTS)
