"""`make run`, from the outside: what it starts ends with it, however that comes about."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from marketingsuite.devstack import BASE_DIR, any_free_port, running
from tests.flow.waiting import wait_until
from tests.gone import are_gone

pytestmark = pytest.mark.usefixtures("nothing_named")
PARTS = {"granian", "celery", "postgres", "valkey-server"}


def hear_signals() -> None:
    """As in a terminal: who runs the tests in the background, or under nohup, has them ignore these."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def all_of_it(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """`make run` but for make, in a group of its own as in a terminal, once every part of it is up."""
    env = os.environ | {"MARKETINGSUITE_VAR": str(folder), "PORT": str(any_free_port()), "DEVELOPMENT": "true"}
    command = [sys.executable, "-m", "marketingsuite.devstack.run"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=BASE_DIR, env=env, stdout=pipe, text=True, start_new_session=True, preexec_fn=hear_signals
    ) as run:
        try:
            assert run.stdout is not None
            next(line for line in run.stdout if "Started worker-1" in line)
            yield run
        finally:
            run.kill()


def offspring(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    found = psutil.Process(run.pid).children(recursive=True)
    assert {part for part in PARTS if any(part in " ".join(each.cmdline()) for each in found)} == PARTS
    return found


def urls(folder: Path) -> tuple[str, str] | None:
    found = running(folder)
    return (found.database_url, found.redis_url) if found else None


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_a_run_and_its_group_ends_all_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    with all_of_it(tmp_path) as run:
        processes = offspring(run)
        os.killpg(run.pid, number)
        wait_until(lambda: are_gone(processes), f"nothing is left after {number.name}", seconds=40)


def test_a_run_whose_output_nobody_reads_any_more_ends_in_order(tmp_path: Path) -> None:
    with all_of_it(tmp_path) as run:
        processes = offspring(run)
        assert run.stdout is not None
        run.stdout.close()
        running_stack = running(tmp_path)
        assert running_stack
        assert running_stack.valkey
        # Something to say: each process does, of its broker.
        running_stack.valkey.send(signal.SIGKILL)
        wait_until(lambda: are_gone(processes), "nothing is left without a reader", seconds=40)
        run.wait(30)
    assert run.returncode == 128 + signal.SIGPIPE


def test_an_embedded_server_that_dies_under_a_run_comes_back(tmp_path: Path) -> None:
    with all_of_it(tmp_path) as run:
        before = running(tmp_path)
        assert before
        for server in (before.postgres, before.valkey):
            assert server
            server.send(signal.SIGKILL)
        wait_until(lambda: urls(tmp_path) == (before.database_url, before.redis_url), "both answer where they were")
        run.terminate()
        assert run.stdout is not None
        said = run.stdout.read()
    assert "postgres had died, and was started again" in said
