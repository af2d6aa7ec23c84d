"""A web process with a PostgreSQL of its own, for tests of what becomes of hits while that is away."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import requests
from django.conf import settings

from marketingsuite.devstack import Postgres, Processes, Stack, any_free_port
from marketingsuite.devstack.readiness import web_answers
from tests.promptness import measured
from tests.tracking.samples import wait_until
from tracking.hits import Hit

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Site:
    """What runs: the web process at `url`, its spool folder and its PostgreSQL."""

    postgres: Postgres
    processes: Processes
    url: str
    spool: Path

    def hit(self, path: str, times: int) -> list[float]:
        """Hit a pixel or a link so many times, one after another; the seconds that each answer took.

        What the machine was late by meanwhile is left out.
        """
        seconds = []
        with requests.Session() as session, measured() as lateness:
            for _ in range(times):
                started, late = time.perf_counter(), lateness.allowance
                assert session.get(self.url + path, allow_redirects=False, timeout=10).status_code in (200, 302)
                seconds.append(time.perf_counter() - started - (lateness.allowance - late))
        return seconds

    def spooled(self) -> list[Hit]:
        """What lies in the spool and is whole."""
        return [
            Hit.from_line(line) for path in self.spool.glob("*.hits") for line in path.read_bytes().splitlines(True)
        ]

    def count(self, query: LiteralString) -> int:
        """The number that a query gives."""
        with psycopg.connect(self.postgres.url) as connection:
            return int((connection.execute(query).fetchone() or (0,))[0] or 0)

    def run(self, statement: LiteralString) -> None:
        """Change something in the database."""
        with psycopg.connect(self.postgres.url) as connection:
            connection.execute(statement)

    def status(self, path: str) -> int:
        """What a GET is answered with."""
        return requests.get(self.url + path, allow_redirects=False, timeout=10).status_code

    def events(self) -> int:
        """How many events are stored."""
        return self.count("SELECT count(*) FROM tracking_event")

    def log(self) -> str:
        """What the web process has said."""
        return self.processes.log("web").read_text()

    def start_web(self, limits: str = "") -> None:
        """Start it, with limits of the shell such as `ulimit -f 8`, and wait until it answers."""
        if limits:
            command = self.processes.commands["web"]
            self.processes.commands["web"] = f"/bin/sh -c '{limits}; exec {command}'"
        self.processes.start("web")
        wait_until(lambda: web_answers(self.url), 90)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let PostgreSQL hang meanwhile."""
        self.postgres.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.postgres.send(signal.SIGCONT)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let PostgreSQL be down meanwhile."""
        self.postgres.stop()
        try:
            yield
        finally:
            self.postgres.start()


@contextmanager
def site(stack: Stack, folder: Path) -> Iterator[Site]:
    """A PostgreSQL with all tables, and a web process that is not started yet."""
    postgres = Postgres(folder, "away", "16MB")
    with postgres.lease():
        port = any_free_port()
        env = stack.environ() | {"DATABASE_URL": postgres.url, "PORT": str(port), "MARKETINGSUITE_VAR": str(folder)}
        shutil.copy(settings.VAR_DIR / "development-keys.json", folder)
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=True)
        processes = Processes(ROOT / "Procfile", env, folder)
        try:
            yield Site(postgres, processes, f"http://127.0.0.1:{port}", folder / "spool")
        finally:
            processes.stop(timeout=5)
