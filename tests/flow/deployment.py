"""The processes of the Procfile at work, with a PostgreSQL, a Valkey and a name server of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import environ
import pytest
import redis
import requests
from django.db import connections
from django.test import override_settings

from feedbackloops import doorbell
from feedbackloops.doorbell import Doorbell
from marketingsuite.devstack import Postgres, Processes, Stack, Valkey, any_free_port
from marketingsuite.devstack.beside import database_beside, keys_beside
from marketingsuite.devstack.readiness import waiting_workers, web_answers
from tests.dns_server import DnsServer
from tests.flow.waiting import wait_until
from tests.promptness import measured

CHECKOUT = Path(__file__).resolve().parents[2]
# As in production, but for the times: pauses, rests and leases are short, so that faults pass by quickly.
SETTINGS = {
    "RETRY_SCHEDULE": "0.3,0.3,0.3",
    "SWEEP_SECONDS": "0.5",
    "LOOK_SECONDS": "1",
    "LEASE_SECONDS": "4",
    "COOL_DOWN_SECONDS": "1",
    "ANSWER_SECONDS": "2",
    "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
    "OUTBOUND_DNS_SERVERS": "127.0.0.1",
    "LOG_LEVEL": "INFO",
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything that runs; `postgres` and `valkey` are None where the environment names the server to use."""

    processes: Processes
    database_url: str
    redis_url: str
    tracking_url: str
    dns: DnsServer
    bell: Doorbell
    named_postgres: Postgres | None
    named_valkey: Valkey | None

    @property
    def postgres(self) -> Postgres:
        """The handle to harm PostgreSQL with; a test that asks for it is skipped where there is none."""
        return self.named_postgres or pytest.skip("only an embedded PostgreSQL can be harmed, unset DATABASE_URL")

    @property
    def valkey(self) -> Valkey:
        """The handle to harm Valkey with; a test that asks for it is skipped where there is none."""
        return self.named_valkey or pytest.skip("only an embedded Valkey can be harmed, unset REDIS_URL")

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Make this process one more of the deployment: Django's database, broker and URLs are the deployment's."""
        usual = connections["default"]
        with pytest.MonkeyPatch.context() as patch, self._settings():
            patch.setattr(doorbell, "_doorbell", lambda: self.bell)
            connections["default"] = own = connections.create_connection("default")
            own.settings_dict = usual.settings_dict | environ.Env.db_url_config(self.database_url)
            try:
                yield
            finally:
                own.close()
                connections["default"] = usual

    def start(self, *names: str) -> None:
        """Start processes (all by default) and wait until the web answers and the workers wait for tasks."""
        names = names or tuple(self.processes.commands)
        workers = waiting_workers(self.redis_url) + sum(" worker " in self.processes.commands[name] for name in names)
        self.processes.start(*names)
        wait_until(lambda: self._ready(workers), f"{', '.join(names)} started", 90)

    def kill(self, *names: str) -> None:
        """kill -9."""
        for name in names:
            self.processes.kill(name)

    def mend(self) -> None:
        """Wake and start again what a test that failed has left frozen or dead: it is not the next one's trouble."""
        for name in self.processes.started:
            self.processes.kill(name, signal.SIGCONT)
        if dead := self.processes.commands.keys() - self.processes.started:
            self.start(*dead)

    @contextmanager
    def another(self, name: str, kind: str) -> Iterator[None]:
        """Have one more process of a kind that the Procfile has, named otherwise, for the length of the block."""
        self.processes.commands[name] = self.processes.commands[kind].replace(f"-n {kind}@", f"-n {name}@")
        try:
            self.start(name)
            yield
        finally:
            self.processes.stop(name)
            del self.processes.commands[name]

    @contextmanager
    def set_otherwise(self, **env: str) -> Iterator[None]:
        """Have all processes run with other settings, for as long as the block takes."""
        usual = dict(self.processes.env)
        self.processes.stop()
        self.processes.env |= env
        self.start()
        try:
            yield
        finally:
            self.processes.stop()
            self.processes.env = usual
            self.start()

    def lose_all_rings(self) -> None:
        """Empty Valkey, bindings and all."""
        with self._valkey_client() as client:
            client.flushdb()

    def waiting_tasks(self, queue: str) -> int:
        """How many tasks no worker has taken yet."""
        with self._valkey_client() as client:
            return int(client.llen(queue))

    def get(self, url: str, **headers: str) -> requests.Response:
        """Ask for a URL as a mail program does, but follow no redirect."""
        return requests.get(url, headers=headers, allow_redirects=False, timeout=10)

    def head(self, url: str) -> requests.Response:
        """Ask for the head of an answer only, as programs that check links do."""
        return requests.head(url, allow_redirects=False, timeout=10)

    def hit(self, url: str, times: int = 1) -> float:
        """Hit a pixel or a link so many times, one after another; the seconds that the slowest answer took.

        What the machine was late by meanwhile is left out.
        """
        slowest = 0.0
        with requests.Session() as session, measured() as lateness:
            for _ in range(times):
                started, late = time.monotonic(), lateness.allowance
                assert session.get(url, allow_redirects=False, timeout=10).status_code in (200, 302)
                slowest = max(slowest, time.monotonic() - started - (lateness.allowance - late))
        return slowest

    def _settings(self) -> override_settings:
        return override_settings(TRACKING_URL=self.tracking_url, CELERY_BROKER_URL=self.redis_url)

    def _valkey_client(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)

    def _ready(self, workers: int) -> bool:
        self.processes.check()
        return waiting_workers(self.redis_url) >= workers and web_answers(self.tracking_url)


@contextmanager
def deployed(stack: Stack, folder: Path) -> Iterator[Deployment]:
    """Have everything running, on servers of its own, or on those of the environment with a database of its own."""
    with ExitStack() as running:
        dns = running.enter_context(DnsServer())
        postgres = Postgres(folder, "flow", "128MB") if stack.postgres else None
        valkey = Valkey(folder) if stack.valkey else None
        for server in filter(None, (postgres, valkey)):
            running.enter_context(server.lease())
        database_url = postgres.url if postgres else running.enter_context(database_beside(stack.database_url, "flow"))
        redis_url = valkey.url if valkey else running.enter_context(keys_beside(stack.redis_url))
        port = any_free_port()
        env = stack.environ() | SETTINGS | {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PORT": str(port)}
        tracking_url = f"http://127.0.0.1:{port}"
        env |= {"TRACKING_URL": tracking_url, "SPOOL_DIR": str(folder / "spool")}
        env |= {"OUTBOUND_DNS_PORT": str(dns.port), "TMPDIR": str(folder)}
        processes = Processes(CHECKOUT / "Procfile", env, folder / "logs")
        deployment = Deployment(processes, database_url, redis_url, tracking_url, dns, Doorbell(), postgres, valkey)
        running.callback(processes.stop)
        _migrate(env)
        deployment.start()
        yield deployment


def _migrate(env: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **env}, check=True)
