"""The embedded servers one by one: their doors, their ports, how they fail."""

import random
import signal
import socket
import stat
from pathlib import Path

import psycopg
import pytest
import redis

from marketingsuite.devstack import DevstackError, Stack, any_free_port, free_port, running, start
from marketingsuite.devstack.launching import last_lines
from marketingsuite.devstack.ports import insist_on
from tests.marketingsuite.stacks import answers, server_processes

pytestmark = pytest.mark.usefixtures("nothing_named")


def test_passwords_are_for_the_owner_only(folder: Path, stack_here: Stack) -> None:
    for name in ("postgres.json", "valkey.json", "postgres.password", "postgres", "valkey"):
        assert not stat.S_IMODE((folder / name).stat().st_mode) & 0o077, name
    assert "password" not in repr(stack_here)
    assert stack_here.database_url not in repr(stack_here)
    for process in server_processes(folder):
        assert not [part for part in process.cmdline() if part and part in stack_here.redis_url and len(part) > 20]


def test_a_client_without_the_password_is_refused(stack_here: Stack) -> None:
    assert stack_here.postgres
    assert stack_here.valkey
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(stack_here.database_url, password="wrong")
    port = int(stack_here.redis_url.rpartition(":")[2].removesuffix("/0"))
    with redis.Redis(port=port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_frozen_server_does_not_answer_until_it_is_woken(folder: Path, stack_here: Stack) -> None:
    assert stack_here.valkey
    stack_here.valkey.send(signal.SIGSTOP)
    assert running(folder) is None
    stack_here.valkey.send(signal.SIGCONT)
    assert running(folder)


def test_a_crashed_server_comes_back_on_its_port(stack_here: Stack) -> None:
    for server in (stack_here.postgres, stack_here.valkey):
        assert server
        url, pid = server.url, server.pid
        server.send(signal.SIGKILL)
        server.start()
        assert (server.url, server.pid != pid) == (url, True)
    assert answers(stack_here)


def test_a_server_that_can_not_start_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir(mode=0o700)
    (tmp_path / "postgres.password").write_text("x")
    with pytest.raises(DevstackError, match=r"ended with exit code 2(?s:.*)postgresql\.conf"), start(tmp_path):
        pass


def test_a_port_that_is_taken_is_stepped_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port < free_port(port) < port + 100


def test_two_runs_that_are_seeded_alike_take_other_ports() -> None:
    taken = set()
    for _ in range(5):
        random.seed(1)
        taken.add(any_free_port())
    assert len(taken) > 1


def test_only_the_end_of_a_long_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert last_lines(log, 2) == "line 998\nline 999"
    assert last_lines(tmp_path / "none") == ""


def test_a_port_that_is_insisted_on_and_taken_is_answered_with_one_to_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"Port {port} is taken; try PORT=\d+ make run"):
            insist_on(port)
    insist_on(port)
