import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from marketingsuite.devstack import DevstackError, Processes
from tests.promptness import within

PROCFILE = """
# what a Procfile may hold
greeter: python -c "import sys, time; print('${GREETING:-hello}', sys.executable, flush=True); time.sleep(60)"
family: sh -c 'sleep 61 & sleep 62'
stubborn: sh -c 'trap "" TERM; echo deaf; while true; do sleep 1; done'
failing: sh -c 'echo no such table; exit 3'
"""
STARTER = """
import sys, time
from pathlib import Path
from marketingsuite.devstack import Processes
processes = Processes(Path(sys.argv[1]), {}, Path(sys.argv[2]))
processes.start("greeter")
print(processes.pid("greeter"), flush=True)
time.sleep(60)
"""


@pytest.fixture
def procfile(tmp_path: Path) -> Path:
    path = tmp_path / "Procfile"
    path.write_text(PROCFILE)
    return path


@pytest.fixture
def processes(procfile: Path, tmp_path: Path) -> Iterator[Processes]:
    environ = {"GREETING": "good morning", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    processes = Processes(procfile, environ, tmp_path / "logs")
    yield processes
    processes.stop(timeout=0.1)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_runs_with_this_python_and_logs_to_its_file(processes: Processes) -> None:
    processes.start("greeter")
    wait_until(lambda: processes.log("greeter").read_text().endswith("\n"))
    assert processes.log("greeter").read_text() == f"good morning {Path(sys.executable).parent / 'python'}\n"
    processes.check()


def test_a_process_that_fails_is_reported_with_its_last_words(processes: Processes) -> None:
    processes.start("failing")
    leader = psutil.Process(processes.pid("failing"))
    wait_until(lambda: leader.status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(DevstackError, match=r"'failing' ended with exit code 3(?s:.*)no such table"):
        processes.check()


def test_stopping_ends_the_children_of_a_process_too(processes: Processes) -> None:
    processes.start("family")
    leader = psutil.Process(processes.pid("family"))
    wait_until(lambda: len(leader.children()) == 2)
    family = [leader, *leader.children()]
    processes.stop()
    assert not psutil.wait_procs(family, timeout=5)[1]


def test_a_process_that_ignores_sigterm_is_killed(processes: Processes) -> None:
    processes.start("stubborn")
    wait_until(lambda: "deaf" in processes.log("stubborn").read_text())
    leader = psutil.Process(processes.pid("stubborn"))
    processes.stop("stubborn", timeout=0.1)
    assert not leader.is_running()


def test_a_frozen_process_can_be_stopped(processes: Processes) -> None:
    processes.start("greeter")
    leader = psutil.Process(processes.pid("greeter"))
    processes.kill("greeter", signal.SIGSTOP)
    wait_until(lambda: leader.status() == psutil.STATUS_STOPPED)
    with within(5):
        processes.stop()
    assert not leader.is_running()


def test_a_killed_process_is_no_surprise_and_starts_again(processes: Processes) -> None:
    processes.start("greeter")
    before = processes.pid("greeter")
    processes.kill("greeter")
    processes.check()
    processes.start("greeter")
    assert processes.pid("greeter") != before


def test_a_name_that_is_unknown_or_started_is_refused(processes: Processes) -> None:
    with pytest.raises(DevstackError, match="no process 'nobody'; it has greeter, family"):
        processes.start("nobody")
    processes.start("greeter")
    with pytest.raises(DevstackError, match="'greeter' was started already"):
        processes.start("greeter")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_processes_end_with_the_one_that_started_them(procfile: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(procfile), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child = psutil.Process(int(starter.stdout.readline()))
        starter.kill()
    assert not psutil.wait_procs([child], timeout=10)[1]
