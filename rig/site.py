"""The processes of the Procfile, with servers or databases of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import django

from marketingsuite.devstack import Processes
from marketingsuite.devstack.ports import any_free_port
from marketingsuite.devstack.readiness import waiting_workers, web_answers
from rig.children import ROOT

PROCESSES = ("web", "events", "worker", "looks", "beat")
START_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Site:
    """Servers that run, and processes that are started and stopped as they are needed.

    `env` is what the processes have in their environment beyond this process's. `load_before` is the system's load
    average (of a minute) before anything ran.
    """

    processes: Processes
    env: Mapping[str, str] = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    tracking_url: str
    load_before: float
    _running: set[str] = field(default_factory=set)

    def start(self, *names: str) -> None:
        """Start processes of the Procfile (all by default), and wait until they are ready. Raises DevstackError."""
        names = names or PROCESSES
        workers = waiting_workers(self.redis_url) + sum(" worker " in self.processes.commands[name] for name in names)
        self.processes.start(*names)
        self._running.update(names)
        await_true(lambda: self._ready(workers), f"{', '.join(names)} ready", START_SECONDS)

    def stop(self, *names: str) -> None:
        """Stop processes (all that run by default); one that does not run counts as stopped."""
        stopping = self._running.intersection(names or self._running)
        if stopping:
            self.processes.stop(*stopping)
        self._running -= stopping

    def _ready(self, workers: int, url: str = "") -> bool:
        self.processes.check()
        has_web = "web" in self._running or url
        return waiting_workers(self.redis_url) >= workers and (not has_web or web_answers(url or self.tracking_url))


def environment(folder: Path, database_url: str, redis_url: str, dns_port: int) -> dict[str, str]:
    """As in production, but for this: calls to 127.0.0.0/8 are allowed, and names are asked of a server of our own."""
    port = any_free_port()
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DEVELOPMENT": "true",
        "DJANGO_SETTINGS_MODULE": "marketingsuite.settings",
        "MARKETINGSUITE_VAR": str(folder),
        "SPOOL_DIR": str(folder / "spool"),
        "TRACKING_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "OUTBOUND_DNS_SERVERS": "127.0.0.1",
        "OUTBOUND_DNS_PORT": str(dns_port),
        "LOG_LEVEL": "WARNING",
        # This Python first: the Procfile says "python".
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }


def join(env: Mapping[str, str]) -> None:
    """Make this process one of the site: migrate its database, and set Django up on it."""
    os.environ |= env
    manage("migrate", "--verbosity", "0")
    django.setup()


def manage(*arguments: str, settings: str = "") -> None:
    """Run a command of manage.py in this process's environment. Raises CalledProcessError."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": settings} if settings else None
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True)


def await_true(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until the condition holds. Raises TimeoutError, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {seconds:g} s: {what}.")
        time.sleep(0.02)
