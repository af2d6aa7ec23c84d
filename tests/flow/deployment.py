"""The processes of the Procfile at work, with a PostgreSQL, a Valkey and a name server of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import environ
import psycopg
import pytest
import redis
import requests
from django.db import connections
from django.test import override_settings
from psycopg import sql

from feedbackloops import doorbell
from feedbackloops.doorbell import Doorbell
from marketingsuite.devstack import Postgres, Processes, Stack, Valkey, free_port
from tests.dns_server import DnsServer
from tests.flow.waiting import wait_until

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
        wanted = self._consumers() + sum(" worker " in self.processes.commands[name] for name in names)
        self.processes.start(*names)
        wait_until(lambda: self._consumers() >= wanted and self._web_answers(), f"{', '.join(names)} started", 30)

    def kill(self, *names: str) -> None:
        """kill -9."""
        for name in names:
            self.processes.kill(name)

    def start_another(self, name: str, kind: str) -> None:
        """Start one more process of a kind that the Procfile has, under a name of its own."""
        self.processes.commands[name] = self.processes.commands[kind].replace(f"-n {kind}@", f"-n {name}@")
        self.start(name)

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
        """Hit a pixel or a link so many times, one after another; the seconds that the slowest answer took."""
        slowest = 0.0
        with requests.Session() as session:
            for _ in range(times):
                started = time.monotonic()
                assert session.get(url, allow_redirects=False, timeout=10).status_code in (200, 302)
                slowest = max(slowest, time.monotonic() - started)
        return slowest

    def _settings(self) -> override_settings:
        return override_settings(TRACKING_URL=self.tracking_url, CELERY_BROKER_URL=self.redis_url)

    def _consumers(self) -> int:
        """How many workers wait for tasks at this moment."""
        number = self._valkey_client().get_connection_kwargs()["db"]
        with self._valkey_client() as client:
            return sum(each["cmd"] == "brpop" and int(each["db"]) == number for each in client.client_list())

    def _valkey_client(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)

    def _web_answers(self) -> bool:
        self.processes.check()
        try:
            return self.head(f"{self.tracking_url}/o/none.gif").ok
        except requests.ConnectionError:
            return False


@contextmanager
def deployed(stack: Stack, folder: Path) -> Iterator[Deployment]:
    """Have everything running, on servers of its own, or on those of the environment with a database of its own."""
    with ExitStack() as running:
        dns = running.enter_context(DnsServer())
        postgres = Postgres(folder, "flow", "128MB") if stack.postgres else None
        valkey = Valkey(folder) if stack.valkey else None
        for server in filter(None, (postgres, valkey)):
            running.enter_context(server.lease())
        database_url = postgres.url if postgres else running.enter_context(_database_beside(stack.database_url))
        redis_url = valkey.url if valkey else running.enter_context(_keys_beside(stack.redis_url))
        port = free_port(18_000)
        env = stack.environ() | SETTINGS | {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PORT": str(port)}
        env |= {"SPOOL_DIR": str(folder / "spool"), "OUTBOUND_DNS_PORT": str(dns.port), "TMPDIR": str(folder)}
        processes = Processes(CHECKOUT / "Procfile", env, folder / "logs")
        deployment = Deployment(
            processes, database_url, redis_url, f"http://127.0.0.1:{port}", dns, Doorbell(), postgres, valkey
        )
        running.callback(processes.stop)
        _migrate(env)
        deployment.start()
        yield deployment


def _migrate(env: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **env}, check=True)


@contextmanager
def _database_beside(url: str) -> Iterator[str]:
    """A database of its own on a server that others use as well."""
    name = f"flow_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _keys_beside(url: str) -> Iterator[str]:
    """The last of the sixteen numbered databases, empty before and after."""
    beside = urlunsplit(urlsplit(url)._replace(path="/15"))
    with redis.Redis.from_url(beside) as client:
        client.flushdb()
        yield beside
        client.flushdb()
