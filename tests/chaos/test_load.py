import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from chaos.load import loaded
from chaos.people import PROBE_EVERY, PROBE_PATH
from tests.flow.waiting import wait_until
from tests.http_server import HttpServer, after, close, ok, status

RATE = 100.0


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(status(302)) as server:
        server.at = {"/c/error": status(500), "/c/closes": close, "/c/slow": after(0.3, ok())}
        yield server


def test_each_hit_has_a_mark_of_its_own_and_is_told_with_its_account(server: HttpServer, tmp_path: Path) -> None:
    urls = [(server.url("/c/one"), 1), (server.url("/c/two"), 2)]
    with loaded(urls, RATE, tmp_path / "journal") as load:
        time.sleep(1.2)
        load.stop()
        hits = load.hits()

    assert [hit.number for hit in sorted(hits, key=lambda hit: hit.number)] == list(range(len(hits)))
    assert {hit.account for hit in hits if hit.number % 2} == {2}
    marks = {each.values("user-agent")[0].split()[0]: each.path for each in server.requests if each.path != PROBE_PATH}
    assert marks == {f"chaos/{hit.number:09}": f"/c/{'two' if hit.number % 2 else 'one'}" for hit in hits}
    assert len(load.probes()) == pytest.approx(len(hits) / PROBE_EVERY, abs=1)


def test_the_load_keeps_its_pace_whatever_the_answers_do(server: HttpServer, tmp_path: Path) -> None:
    with loaded([(server.url("/c/slow"), 1)], RATE, tmp_path / "journal") as load:
        time.sleep(1.2)
        load.stop()
        hits = sorted(load.hits(), key=lambda hit: hit.number)

    assert len(hits) > 50
    assert all(hit.answered and hit.answered - hit.sent >= 0.3 for hit in hits)
    assert max(later.sent - earlier.sent for earlier, later in pairwise(hits)) < 0.2


@pytest.mark.parametrize("path", ["/c/error", "/c/closes"])
def test_a_hit_without_a_good_answer_is_not_answered(server: HttpServer, tmp_path: Path, path: str) -> None:
    with loaded([(server.url(path), 1)], RATE, tmp_path / "journal") as load:
        wait_until(lambda: (tmp_path / "journal").exists() and load.hits(), "a hit is told of")
        load.stop()
        hits = load.hits()

    assert {hit.answered for hit in hits} == {None}


def test_a_server_that_is_not_there_ends_no_load(tmp_path: Path) -> None:
    with loaded([("http://127.0.0.1:9/c/one", 1)], RATE, tmp_path / "journal") as load:
        wait_until(lambda: (tmp_path / "journal").exists() and load.hits(), "a hit is told of")
        load.stop()

    assert {hit.answered for hit in load.hits()} == {None}


def test_a_load_generator_that_breaks_down_says_why(tmp_path: Path) -> None:
    with loaded([("http://127.0.0.1:9/c/one", 1)], RATE, tmp_path / "missing" / "journal") as load:
        time.sleep(0.5)
        with pytest.raises(ChildProcessError, match="No such file"):
            load.stop()
