"""Everything that is broken here: the processes, a PostgreSQL, a Valkey, a disk, a clock and scripts of our own."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from chaos import clock, disk, scripts
from chaos.alarms import reported
from chaos.clock import Clock
from chaos.plan import Timing
from chaos.scripts import Scripts
from marketingsuite.devstack import Postgres, Processes, Valkey
from marketingsuite.devstack.leaving import exit_on_signals
from marketingsuite.devstack.readiness import web_answers
from rig import site
from rig.children import ROOT
from rig.site import PROCESSES, START_SECONDS, await_true, environment, join

STEADY_SCRIPTS = 6
POLL_SECONDS = 0.1


class ClockedPostgres(Postgres):
    """A PostgreSQL that can be put under a clock of ours: `prefix` goes before its command line."""

    prefix: Sequence[str] = ()

    def command(self, port: int) -> Sequence[str]:
        return [*self.prefix, *super().command(port)]


@dataclass(slots=True, kw_only=True)
class Site(site.Site):
    """A site that is broken and mended. `clock` is None where libfaketime is not installed.

    `has_small_disk`: whether the spool lies on a disk that can be filled; if not, its folder is taken away.
    """

    spool: Path
    postgres: ClockedPostgres
    valkey: Valkey
    scripts: Scripts
    clock: Clock | None
    has_small_disk: bool

    def kill(self, *names: str) -> None:
        """kill -9."""
        for name in names:
            self.processes.kill(name)

    def launch(self, *names: str) -> None:
        """Start processes without waiting for PostgreSQL or Valkey, which may be away; the web answers anyhow."""
        self.processes.start(*names)
        self._running.update(names)
        if "web" in names:
            await_true(lambda: web_answers(self.tracking_url), "the web process answers", START_SECONDS)

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        self.processes.kill(name, signal.SIGSTOP)

    def wake(self, name: str) -> None:
        """SIGCONT."""
        self.processes.kill(name, signal.SIGCONT)

    def launch_another(self, kind: str) -> None:
        """Start one more process of a kind, under the name `another <kind>`."""
        name = f"another-{kind}"
        self.processes.commands[name] = self.processes.commands[kind].replace(f"-n {kind}@", f"-n {name}@")
        self.launch(name)

    def stop_another(self, kind: str) -> None:
        """SIGTERM for what `launch_another` has started."""
        self.stop(f"another-{kind}")

    def flush(self) -> None:
        """Empty Valkey."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()

    def put_under(self, clock: Clock | None) -> None:
        """Start all processes and PostgreSQL anew, on this clock, or (None) on that of the machine."""
        self.stop(*PROCESSES)
        self.postgres.prefix = clock.prefix if clock else ()
        self.postgres.restart()
        for name in PROCESSES:
            command = self.processes.commands[name]
            bare = command[command.index("python ") :]
            self.processes.commands[name] = " ".join([*self.postgres.prefix, bare])
        self.launch(*PROCESSES)

    def fill_disk(self) -> None:
        """Leave the web process no room to spool."""
        (disk.fill if self.has_small_disk else disk.block)(self.spool)

    def make_room(self) -> None:
        """Undo `fill_disk`."""
        (disk.make_room if self.has_small_disk else disk.unblock)(self.spool)

    def alarms(self) -> int:
        """How many hits the web process has reported as lost so far."""
        return reported(self.processes.log("web").read_text(errors="replace"))

    def has_spooled(self) -> bool:
        """Whether hits wait on disk."""
        return any(self.spool.glob("*.hits"))


@contextmanager
def running(timing: Timing) -> Iterator[Site]:
    """Have a site, nothing started but its servers, and Django set up in this process against its database.

    Raises DevstackError.
    """
    load_before = os.getloadavg()[0]
    with exit_on_signals(), ExitStack() as open_:
        var = Path(os.environ.get("MARKETINGSUITE_VAR") or ROOT / "var")
        var.mkdir(parents=True, exist_ok=True)
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="chaos-", dir=var, ignore_cleanup_errors=True)))
        # First of all: a process with threads can't enter a namespace of users.
        has_small_disk = disk.mount_small(folder / "spool")
        postgres, valkey = ClockedPostgres(folder, "chaos", "256MB"), Valkey(folder)
        for server in (postgres, valkey):
            open_.enter_context(server.lease())
        customers = open_.enter_context(scripts.serving(folder, STEADY_SCRIPTS))
        env = environment(folder, postgres.url, valkey.url, customers.dns.port) | _haste(timing)
        join(env | {"OUTBOUND_CA_FILE": str(customers.ca_file)})
        processes = Processes(ROOT / "Procfile", env, folder / "logs")
        open_.callback(processes.stop)
        library = clock.library()
        yield Site(
            processes=processes,
            env=env,
            database_url=postgres.url,
            redis_url=valkey.url,
            tracking_url=env["TRACKING_URL"],
            load_before=load_before,
            spool=folder / "spool",
            postgres=postgres,
            valkey=valkey,
            scripts=customers,
            clock=Clock(library, folder / "clock") if library else None,
            has_small_disk=has_small_disk,
        )


def wait_for(seconds: float, condition: Callable[[], bool]) -> float | None:
    """The seconds until the condition held, or None where it did not within `seconds`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            return None
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started


def _haste(timing: Timing) -> dict[str, str]:
    """Pauses, rests and leases that end within the run."""
    hasty = {
        # All scripts share a process with whoever strikes: on a slow machine it may take a while to answer, and what it
        # answers when the call was given up makes a duplicate.
        "ANSWER_SECONDS": "5",
        "CONNECT_SECONDS": "2",
        "COOL_DOWN_SECONDS": "1",
        "COOL_DOWN_MAX_SECONDS": "4",
        "LEASE_SECONDS": f"{timing.lease:g}",
        "SWEEP_SECONDS": "1",
        "RETRY_SCHEDULE": ",".join(["1", "2", *["4"] * 40]),
    }
    if timing.quick:
        hasty |= {"SWEEP_SECONDS": "0.5", "LOOK_SECONDS": "1", "ANSWER_SECONDS": "3"}
        hasty |= {"COOL_DOWN_SECONDS": "0.3", "COOL_DOWN_MAX_SECONDS": "1", "RETRY_SCHEDULE": ",".join(["0.5"] * 60)}
    return hasty
