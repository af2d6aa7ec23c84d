import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from bench.gauges import cpu_seconds, peak_mb, postmaster_beside
from marketingsuite.devstack import Stack

BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"
# A child that has ended, one that lives and has taken 50 MB for a moment, and the parent that uses next to nothing.
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BUSY!r}])
big = subprocess.Popen([sys.executable, "-c", "x = b'x' * 50_000_000; del x; print(1, flush=True); input()"],
                       stdin=subprocess.PIPE)
input()
"""


@pytest.fixture
def process() -> Iterator[psutil.Process]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        yield psutil.Process(parent.pid)
        parent.communicate(b"\n")


def test_cpu_time_includes_children_that_ended(process: psutil.Process) -> None:
    assert cpu_seconds(process) >= 0.3
    assert cpu_seconds(None) == 0


def test_the_peak_is_that_of_the_largest_process_even_when_it_has_shrunk(process: psutil.Process) -> None:
    (child,) = process.children()

    assert child.memory_info().rss < 50e6 < peak_mb(process) * 1e6 < 120e6


def test_the_postmaster_is_found_where_postgresql_runs_here(stack: Stack) -> None:
    if stack.postgres is None:
        pytest.skip("only an embedded PostgreSQL is sure to run here, unset DATABASE_URL")
    postmaster = postmaster_beside(stack.postgres.url)

    assert postmaster is not None
    assert postmaster.pid == stack.postgres.pid
