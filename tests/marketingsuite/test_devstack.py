import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import redis

from marketingsuite.devstack import Stack, running, start
from tests.marketingsuite.stacks import answering, answers, server_processes

pytestmark = pytest.mark.usefixtures("nothing_named")

OWNER = """
import sys
from pathlib import Path
from marketingsuite.devstack import start
with start(Path(sys.argv[1]), shared_buffers="16MB") as stack:
    print("ready", flush=True)
    sys.stdin.read()
"""


def owner_of(folder: Path) -> "subprocess.Popen[str]":
    """Another process that runs the stack until its stdin closes."""
    command = [sys.executable, "-c", OWNER, str(folder)]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    return owner


def end(owner: "subprocess.Popen[str]", number: signal.Signals) -> int:
    owner.send_signal(number)
    owner.communicate(timeout=30)
    return owner.returncode


def enders_of(folder: Path) -> list[psutil.Process]:
    """The processes that wait until nobody uses the servers."""
    name = str(folder.resolve() / "")
    found = psutil.process_iter(["cmdline"])
    lines = [(each, each.info["cmdline"] or []) for each in found]
    return [each for each, line in lines if "-S" in line and any(part.startswith(name) for part in line)]


def all_gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=10)[1]


def pids(stack: Stack) -> tuple[int, int]:
    assert stack.postgres
    assert stack.valkey
    return stack.postgres.pid, stack.valkey.pid


def test_both_servers_answer_and_are_gone_after_the_block(folder: Path) -> None:
    with start(folder, shared_buffers="16MB") as stack:
        assert answers(stack)
        processes = server_processes(folder)
        assert set(pids(stack)) <= {process.pid for process in processes}
    assert all_gone(processes)
    assert running(folder) is None


def test_data_outlives_the_servers(folder: Path) -> None:
    with start(folder, shared_buffers="16MB") as stack, answering(stack) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (what text)")
        connection.execute("INSERT INTO kept VALUES ('ß')")
    with start(folder, shared_buffers="16MB") as stack, answering(stack) as connection:
        assert connection.execute("SELECT DISTINCT what FROM kept").fetchall() == [("ß",)]


def test_the_database_asked_for_is_made(folder: Path) -> None:
    with start(folder, database="another one", shared_buffers="16MB") as stack, answering(stack) as connection:
        assert connection.info.dbname == "another one"


def test_a_second_starter_shares_and_leaves_the_servers_alone(folder: Path, stack_here: Stack) -> None:
    with start(folder) as second:
        assert (second.database_url, second.redis_url) == (stack_here.database_url, stack_here.redis_url)
    assert answers(stack_here)


def test_two_starters_at_the_same_moment_end_up_with_one_stack(folder: Path) -> None:
    urls: list[str] = []
    together = threading.Barrier(2)

    def take_part() -> None:
        with start(folder, shared_buffers="16MB") as stack:
            urls.append(stack.database_url)
            together.wait(30)

    threads = [threading.Thread(target=take_part) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(urls) == 2
    assert len(set(urls)) == 1


def test_another_process_finds_the_running_stack(folder: Path) -> None:
    owner = owner_of(folder)
    found = running(folder)
    assert found
    assert answers(found)
    assert end(owner, signal.SIGTERM) == 128 + signal.SIGTERM
    assert running(folder) is None


def test_servers_stay_when_whoever_started_them_ends_until_the_last_one_does(folder: Path) -> None:
    first = owner_of(folder)
    second = owner_of(folder)
    found = running(folder)
    assert found
    end(first, signal.SIGTERM)
    assert answers(found)
    end(second, signal.SIGTERM)
    assert running(folder) is None
    assert not server_processes(folder)


def test_servers_whose_folder_was_deleted_end_all_the_same(tmp_path: Path) -> None:
    owner = owner_of(tmp_path / "short-lived")
    processes = server_processes(tmp_path)
    assert processes
    shutil.rmtree(tmp_path / "short-lived")
    end(owner, signal.SIGTERM)
    assert all_gone(processes)


def test_servers_that_a_killed_starter_shared_stay_for_the_others_and_end_with_them(folder: Path) -> None:
    first = owner_of(folder)
    second = owner_of(folder)
    found = running(folder)
    assert found
    processes = server_processes(folder)
    end(first, signal.SIGKILL)
    assert answers(found)
    end(second, signal.SIGKILL)
    assert all_gone(processes)


def test_a_server_that_has_died_comes_back_for_those_who_use_it_with_the_next_who_needs_it(folder: Path) -> None:
    owner = owner_of(folder)
    found = running(folder)
    assert found
    for server in (found.postgres, found.valkey):
        assert server
        server.send(signal.SIGKILL)
    assert running(folder) is None
    with start(folder, shared_buffers="16MB") as stack:
        assert (stack.database_url, stack.redis_url) == (found.database_url, found.redis_url)
        assert answers(found)
    assert answers(found)
    end(owner, signal.SIGTERM)


def test_a_server_that_is_tended_comes_back_where_it_was(stack_here: Stack) -> None:
    for server in (stack_here.postgres, stack_here.valkey):
        assert server
        assert not server.tend()
        server.send(signal.SIGKILL)
        assert server.tend()
    assert answers(stack_here)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_starter_that_is_asked_to_end_stops_its_servers(folder: Path, number: signal.Signals) -> None:
    owner = owner_of(folder)
    processes = server_processes(folder)
    assert processes
    end(owner, number)
    assert not [process for process in processes if process.is_running()]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_starter_that_is_killed_takes_its_servers_with_it(folder: Path) -> None:
    owner = owner_of(folder)
    processes = server_processes(folder)
    end(owner, signal.SIGKILL)
    assert processes
    assert all_gone(processes)


def test_what_a_killed_starter_left_behind_is_replaced(folder: Path) -> None:
    owner = owner_of(folder)
    leftovers, enders = server_processes(folder), enders_of(folder)
    assert len(enders) == 2
    for process in [*leftovers, *enders]:
        process.suspend()
    end(owner, signal.SIGKILL)
    assert all(process.is_running() for process in leftovers)
    with start(folder, shared_buffers="16MB") as stack:
        assert answers(stack)
        assert all_gone(leftovers)
        for process in enders:
            process.resume()
    assert all_gone(enders)


def test_a_block_that_fails_stops_its_servers(folder: Path) -> None:
    processes = []

    def fail() -> None:
        with start(folder, shared_buffers="16MB"):
            processes.extend(server_processes(folder))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert processes
    assert all_gone(processes)


def test_what_the_environment_names_is_not_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    with start(folder) as stack:
        assert stack.database_url == "postgresql://elsewhere/db"
        assert stack.postgres is None
        assert redis.Redis.from_url(stack.redis_url).ping()


def test_with_another_broker_no_valkey_is_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    monkeypatch.setenv("BROKER_URL", "amqp://elsewhere")
    with start(folder) as stack:
        assert (stack.valkey, stack.redis_url) == (None, "")
