"""The thing that is measured: the processes of the Procfile, with servers or databases of their own."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import environ
import psutil
import psycopg
import redis
from psycopg import sql

from bench.gauges import cpu_seconds, peak_mb, postmaster_beside
from marketingsuite.devstack import Postgres, Processes, Valkey
from marketingsuite.devstack.beside import database_beside, keys_beside
from marketingsuite.devstack.leaving import exit_on_signals
from marketingsuite.devstack.ports import any_free_port
from rig import site
from rig.children import ROOT
from rig.site import PROCESSES, START_SECONDS, await_true, environment, join

PARTS = (*PROCESSES, "postgres", "valkey")
HISTORY = (
    "tracking_event",
    "tracking_outbox",
    "feedbackloops_snapshot",
    "feedbackloops_delivery",
    "feedbackloops_attempt",
    "feedbackloops_owedcount",
    "feedbackloops_eventcount",
    "feedbackloops_loophour",
    "feedbackloops_parkedevent",
)
EVERYTHING = (*HISTORY, "profiles_account")


@dataclass(slots=True, kw_only=True)
class Site(site.Site):
    """A site that is measured.

    Each row finds an empty database, an empty Valkey and no process of the Procfile running. `postmaster` is None where
    PostgreSQL runs elsewhere: what it uses then can't be counted.
    """

    postmaster: psutil.Process | None
    has_own_postgres: bool

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

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far, by part (PARTS): whole trees of processes, ended children too; 0 where none runs.

        A difference of two readings says what went on between, as long as no process was stopped in it.
        """
        used = {name: self.cpu_of(name) for name in PROCESSES}
        return used | {"postgres": cpu_seconds(self.postmaster), "valkey": self._valkey_cpu()}

    def cpu_of(self, name: str) -> float:
        """CPU seconds used so far by a process of the Procfile or of `start_web`; 0 where it does not run."""
        return cpu_seconds(self._process(name))

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
    with exit_on_signals(), ExitStack() as open_:
        var = Path(os.environ.get("MARKETINGSUITE_VAR") or ROOT / "var")
        var.mkdir(parents=True, exist_ok=True)
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="bench-", dir=var, ignore_cleanup_errors=True)))
        database_url = open_.enter_context(_database(folder))
        redis_url = open_.enter_context(_keys(folder))
        env = environment(folder, database_url, redis_url, open_.enter_context(_silence()))
        join(env)
        processes = Processes(ROOT / "Procfile", env, folder / "logs")
        open_.callback(processes.stop)
        postmaster = postmaster_beside(database_url)
        yield Site(
            processes=processes,
            env=env,
            database_url=database_url,
            redis_url=redis_url,
            tracking_url=env["TRACKING_URL"],
            load_before=load_before,
            postmaster=postmaster,
            has_own_postgres=not is_named,
        )


def spent(before: dict[str, float], after: dict[str, float], *parts: str) -> float:
    """The CPU seconds of these parts (all by default) between two readings of `Site.cpu`."""
    return sum(after[part] - before[part] for part in parts or PARTS)


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
