import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from pytest_django import Settings

from marketingsuite.devstack import any_free_port
from marketingsuite.metrics import port
from marketingsuite.vitals import files
from tests.marketingsuite.metrics.conftest import Figures
from tests.tracking.samples import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_each_process_of_the_host_has_counted_is_told(figures: Callable[[], Figures], tmp_path: Path) -> None:
    place = files.folder(tmp_path)
    for name, opens in (("web-1", 3), ("web-2", 4)):
        files.touch(place, name)
        counts = {"hits": {"open": opens, "click": 1}, "spooled": {"open": 2}, "lost": {"click": 1}}
        files.write_counts(place, name, counts)
    files.touch(place, "worker")
    files.write_counts(place, "worker", {"attempts": {"accepted": 9, "timed_out": 1}})
    found = figures()
    assert found["marketingsuite_hits_total", frozenset({"web-1", "open"})] == 3
    assert found["marketingsuite_hits_total", frozenset({"web-2", "open"})] == 4
    assert found["marketingsuite_hits_spooled_total", frozenset({"web-1", "open"})] == 2
    assert found["marketingsuite_hits_lost_total", frozenset({"web-1", "click"})] == 1
    assert found["marketingsuite_attempts_total", frozenset({"worker", "timed_out"})] == 1
    assert found["marketingsuite_process_silence_seconds", frozenset({"worker"})] < 5


def test_counts_of_another_version_are_passed_over(figures: Callable[[], Figures], tmp_path: Path) -> None:
    files.touch(files.folder(tmp_path), "web-1")
    files.write_counts(files.folder(tmp_path), "web-1", {"smiles": {"wide": 1}, "hits": {"open": 1}})
    found = figures()
    assert found["marketingsuite_gathered", frozenset({"host"})] == 1
    assert found["marketingsuite_hits_total", frozenset({"web-1", "open"})] == 1


def test_what_lies_in_the_spool_is_told(figures: Callable[[], Figures], tmp_path: Path) -> None:
    for name, age in (("a.hits", 120), ("b.hits", 10), ("c.refused", 5)):
        path = tmp_path / "spool" / name
        path.write_bytes(b"x" * 100)
        os.utime(path, (time.time() - age, time.time() - age))
    found = figures()
    assert found["marketingsuite_spool_files", frozenset({"hits"})] == 2
    assert found["marketingsuite_spool_bytes", frozenset({"hits"})] == 200
    assert found["marketingsuite_spool_oldest_seconds", frozenset({"hits"})] == pytest.approx(120, abs=10)
    assert found["marketingsuite_spool_files", frozenset({"refused"})] == 1
    assert found["marketingsuite_spool_files", frozenset({"unreadable"})] == 0


@pytest.mark.usefixtures("figures")
def test_a_port_of_their_own_serves_the_figures_and_nothing_else(settings: Settings) -> None:
    settings.METRICS_HOST, settings.METRICS_PORT = "127.0.0.1", any_free_port()
    place = f"http://127.0.0.1:{settings.METRICS_PORT}"
    for _ in range(2):  # the second finds the port taken, and waits for it
        port.start()
    wait_until(lambda: answers(place))
    assert b"marketingsuite_outbox_rows" in requests.get(f"{place}/metrics", timeout=10).content
    assert requests.get(f"{place}/admin/", timeout=10).status_code == 404
    assert requests.post(f"{place}/metrics", timeout=10).status_code == 501


def answers(place: str) -> bool:
    try:
        return requests.get(f"{place}/metrics", timeout=10).ok
    except requests.ConnectionError:
        return False
