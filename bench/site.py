"""The thing that is measured: the processes of the Procfile, with servers or databases of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import django
import environ
import psutil
import psycopg
import redis
from psycopg import sql

from bench.children import ROOT
from bench.gauges import cpu_seconds, peak_mb, postmaster_beside
from marketingsuite.devstack import Postgres, Processes, Valkey
from marketingsuite.devstack.beside import database_beside, keys_beside
from marketingsuite.devstack.ports import any_free_port
from marketingsuite.devstack.readiness import waiting_workers, web_answers

PROCESSES = ("web", "events", "worker", "looks", "beat")
PARTS = (*PROCESSES, "postgres", "valkey")
START_SECONDS = 30.0
HISTORY = (
    "tracking_event",
    "tracking_outbox",
    "feedbackloops_snapshot",
    "feedbackloops_delivery",
    "feedbackloops_attempt",
    "feedbackloops_owedcount",
    "feedbackloops_loophour",
    "feedbackloops_parkedevent",
)
EVERYTHING = (*HISTORY, "profiles_account")


@dataclass(slots=True)
class Site:
    """Servers that run, and processes that rows start and stop as they need them.

    `env` is what the processes have in their environment beyond this process's. Each row finds an empty database, an
    empty Valkey and no process of the Procfile running. `postmaster` is None where PostgreSQL runs elsewhere: what it
    uses then can't be counted. `load_before` is the system's load average (of a minute) before anything ran.
    """

    processes: Processes
    env: dict[str, str] = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    tracking_url: str
    postmaster: psutil.Process | None
    has_own_postgres: bool
    load_before: float
    _running: set[str] = field(default_factory=set)

    def start(self, *names: str) -> None:
        """Start processes of the Procfile (all by default), and wait until they are ready. Raises DevstackError."""
        names = names or PROCESSES
        workers = waiting_workers(self.redis_url) + sum(" worker " in self.processes.commands[name] for name in names)
        self.processes.start(*names)
        self._running.update(names)
        await_true(lambda: self._ready(workers), f"{', '.join(names)} ready", START_SECONDS)

    def start_web(self, name: str, application: str) -> str:
        """Start one more web process, with another ASGI application (module:name); its URL."""
        port = any_free_port()
        command = self.processes.commands["web"].replace("marketingsuite.asgi:application", application)
        self.processes.commands[name] = command.replace("${PORT:-8000}", str(port))
        self.processes.start(name)
        self._running.add(name)
        url = f"http://127.0.0.1:{port}"
        await_true(lambda: self._ready(0, url), f"{name} ready", START_SECONDS)
        return url

    def stop(self, *names: str) -> None:
        """Stop processes (all that run by default); one that does not run counts as stopped."""
        stopping = self._running.intersection(names or self._running)
        if stopping:
            self.processes.stop(*stopping)
        self._running -= stopping

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far, by part (PARTS): whole trees of processes, ended children too; 0 where none runs.

        A difference of two readings says what went on between, as long as no process was stopped in it.
        """
        used = {name: cpu_seconds(self._process(name)) for name in PROCESSES}
        return used | {"postgres": cpu_seconds(self.postmaster), "valkey": self._valkey_cpu()}

    def peak_mb(self, name: str) -> float:
        """The highest resident size so far, in MB (10^6 bytes), of the largest process of a part that runs."""
        process = self._process(name)
        if process is None:
            raise ValueError(f"{name} does not run.")
        return peak_mb(process)

    def empty_history(self) -> None:
        """Remove all events, outbox rows, snapshots, deliveries, attempts and counts; customers and mails stay."""
        self._truncate(HISTORY)

    def clear(self) -> None:
        """Remove everything, from PostgreSQL and from Valkey."""
        self._truncate(EVERYTHING)
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def _truncate(self, tables: tuple[str, ...]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))

    def _ready(self, workers: int, url: str = "") -> bool:
        self.processes.check()
        has_web = "web" in self._running or url
        return waiting_workers(self.redis_url) >= workers and (not has_web or web_answers(url or self.tracking_url))

    def _process(self, name: str) -> psutil.Process | None:
        return psutil.Process(self.processes.pid(name)) if name in self._running else None

    def _valkey_cpu(self) -> float:
        with redis.Redis.from_url(self.redis_url) as client:
            used = client.info("cpu")
        return float(used["used_cpu_sys"] + used["used_cpu_user"])


@contextmanager
def running() -> Iterator[Site]:
    """Have a site, and Django set up in this process against its database. Raises DevstackError.

    Environment of the processes: calls to 127.0.0.0/8 are allowed, the name server never answers (so that names never
    resolve), everything else is as in production.
    """
    environ.Env.read_env(ROOT / ".env")
    load_before = os.getloadavg()[0]
    is_named = bool(os.environ.get("DATABASE_URL"))
    with ExitStack() as open_:
        var = Path(os.environ.get("MARKETINGSUITE_VAR") or ROOT / "var")
        var.mkdir(parents=True, exist_ok=True)
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="bench-", dir=var, ignore_cleanup_errors=True)))
        database_url = open_.enter_context(_database(folder))
        redis_url = open_.enter_context(_keys(folder))
        env = _environment(folder, database_url, redis_url, open_.enter_context(_silence()))
        os.environ |= env
        _set_up()
        processes = Processes(ROOT / "Procfile", env, folder / "logs")
        open_.callback(processes.stop)
        postmaster = postmaster_beside(database_url)
        yield Site(processes, env, database_url, redis_url, env["TRACKING_URL"], postmaster, not is_named, load_before)


def spent(before: dict[str, float], after: dict[str, float], *parts: str) -> float:
    """The CPU seconds of these parts (all by default) between two readings of `Site.cpu`."""
    return sum(after[part] - before[part] for part in parts or PARTS)


def await_true(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until the condition holds. Raises TimeoutError, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {seconds:g} s: {what}.")
        time.sleep(0.02)


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    if named := os.environ.get("DATABASE_URL"):
        with database_beside(named, "bench") as url:
            yield url
        return
    postgres = Postgres(folder, "bench", "1GB")
    with postgres.lease():
        yield postgres.url


@contextmanager
def _keys(folder: Path) -> Iterator[str]:
    if named := os.environ.get("REDIS_URL"):
        with keys_beside(named) as url:
            yield url
        return
    valkey = Valkey(folder)
    with valkey.lease():
        yield valkey.url


@contextmanager
def _silence() -> Iterator[int]:
    """The port of a name server that never answers; what nobody reads is dropped once the kernel's buffer is full."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unread:
        unread.bind(("127.0.0.1", 0))
        yield unread.getsockname()[1]


def _environment(folder: Path, database_url: str, redis_url: str, dns_port: int) -> dict[str, str]:
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


def _set_up() -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
    django.setup()
