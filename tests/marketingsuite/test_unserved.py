"""manage.py while PostgreSQL is away."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from marketingsuite.devstack import BASE_DIR
from marketingsuite.unserved import does_without_servers, in_a_line

AWAY = {"DATABASE_URL": "postgresql://nobody:confidential@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}


def manage(folder: Path, *arguments: str, **servers: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in (*AWAY, "BROKER_URL")}
    environ |= {"MARKETINGSUITE_VAR": str(folder), "DEVELOPMENT": "true"} | servers
    command = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [["ledger"], ["parked"], ["send_again", "1", "--since", "2026-01-01"]])
def test_a_command_that_needs_postgresql_says_in_one_line_that_it_is_away(tmp_path: Path, arguments: list[str]) -> None:
    done = manage(tmp_path, *arguments, **AWAY)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("PostgreSQL does not serve this: ")
    assert "Connection refused" in line
    assert "manage.py doctor" in line
    assert "confidential" not in line


def test_the_trace_is_there_for_who_asks_for_it(tmp_path: Path) -> None:
    assert "Traceback" in manage(tmp_path, "parked", "--traceback", **AWAY).stderr


def test_the_spool_is_looked_into_and_help_is_given_without_any_server(tmp_path: Path) -> None:
    assert manage(tmp_path, "spool").stdout == f"Nothing is spooled in {tmp_path / 'spool'}.\n"
    assert "usage:" in manage(tmp_path, "createsuperuser", "--help").stdout
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("line", ["", "help", "spool", "spool show x.hits", "spool retry x.refused", "ledger -h"])
def test_some_commands_ask_for_no_server(line: str) -> None:
    assert does_without_servers(line.split())


@pytest.mark.parametrize("line", ["spool replay", "ledger", "doctor", "migrate"])
def test_others_do(line: str) -> None:
    assert not does_without_servers(line.split())


def test_the_first_line_of_an_error_is_enough() -> None:
    error = psycopg.OperationalError("connection failed: postgresql://me:confidential@db/x is away\n\tIs it there?")
    assert in_a_line(error).startswith(
        "PostgreSQL does not serve this: connection failed: postgresql://***@db/x is away."
    )
