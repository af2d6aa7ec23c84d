"""The bench itself, with sizes that tell nothing but whether everything can be measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.figures import KEYS, ROWS

CHECKOUT = Path(__file__).resolve().parents[2]
SMALL = """
import json
from dataclasses import replace
from pathlib import Path
from bench import report
from bench.figures import ROWS
from bench.__main__ import Clock, measure
from bench.scale import QUICK
from bench.site import running

scale = replace(
    QUICK, pairs=1, hits=2000, hits_pairs=1, drain_deliveries=1100, flow_hits=300,
    latency_per_second=50.0, latency_seconds=1.0, idle_seconds=2.0,
    isolation_seconds=1.0, isolation_lead_seconds=0.5, isolation_beside_per_second=50.0,
    hung_loops=5, nameless_loops=3, failing_loops=5, quiet_loops=100, quiet_seconds=3.0,
    fanout_loops=5, fanout_events=60,
    growth_rows=3000, growth_pairs=1, growth_hits=200, growth_deliveries=300, growth_looks=1, growth_sweeps=5,
    backlog_rows=10_000, prune_days=2, prune_seconds=1.0, screens_rows=500,
)
file = Path(__import__("sys").argv[1])
with running() as site:
    results, failures = measure(site, scale, ROWS, Clock())
    report.write(results, site, scale, file=file)
    report.write({"flow.lost": 7}, site, scale, ["flow"], file)
print(json.dumps([results, failures]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("bench")
    file = folder / "results.json"
    env = os.environ | {"MARKETINGSUITE_VAR": str(folder)}
    command = [sys.executable, "-c", SMALL, str(file)]
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=590, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, file


@pytest.mark.timeout(600)
def test_each_row_measures_what_it_promises(run: tuple[str, Path]) -> None:
    results, failures = json.loads(run[0].splitlines()[-1])

    assert failures == []
    assert {*KEYS, "hits.answer_only_cpu_ms", "quiet.answer_only_cpu_ms"} <= set(results)
    assert results["flow.lost"] == results["flow.duplicates"] == 0
    assert (results["quiet.loops"], results["fanout.loops"], results["growth.rows"]) == (100, 5, 3000)
    assert all(value > 0 for key, value in results.items() if not key.startswith(("flow.lost", "flow.dup")))
    assert results["memory.web_mb"] > 20 < results["memory.worker_mb"]
    assert 0 < results["latency.p50_ms"] <= results["latency.p95_ms"] <= results["latency.p99_ms"]


@pytest.mark.timeout(600)
def test_progress_is_told_row_by_row(run: tuple[str, Path]) -> None:
    lines = run[0].splitlines()[:-1]

    assert [line.split()[2] for line in lines if line.endswith("…")] == list(ROWS)


@pytest.mark.timeout(600)
def test_memory_is_what_the_flow_took_which_need_not_flow_again(run: tuple[str, Path]) -> None:
    [_, began], [_, ended] = [line.split()[1::-1] for line in run[0].splitlines() if " memory" in line]

    # A site takes longer to start.
    assert float(ended) - float(began) < 3


@pytest.mark.timeout(600)
def test_the_results_are_kept_and_a_row_can_be_measured_again(run: tuple[str, Path]) -> None:
    written = json.loads(run[1].read_text())

    assert written["flow.lost"] == 7
    assert written["hits.per_second"] > 0
    assert written["quick"] is True
    assert written["sizes"]["hits"] == 2000
    assert written["machine"]["cores"] == os.cpu_count()
    assert {"cpu", "memory_gb", "python", "postgres", "valkey"} <= set(written["machine"])
    assert list(written["measured_again"]) == ["flow"]


def test_a_row_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "speed"]) == 2

    assert "There is no row speed; the rows are hits, drain," in capsys.readouterr().err
