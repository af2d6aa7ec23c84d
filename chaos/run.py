"""A run: a steady load, one strike after another, and the three ledgers at the end. Import it when Django is set up."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import SubprocessError

import psycopg

from chaos import database
from chaos.crowd import Crowd, gather
from chaos.disk_probes import probing
from chaos.faults import BY_NAME, FAULTS
from chaos.faults.fault import Fault
from chaos.ledgers import Hit, Ledgers, Missing, compare
from chaos.load import Probe, loaded
from chaos.plan import Candidate, Timing, at_random
from chaos.site import Site, wait_for
from chaos.verdicts import Account, Window, settle_accounts
from marketingsuite.devstack import DevstackError
from tracking.losses import TELL_SECONDS

RATE = 100.0
CALM = "calm"
CALM_SECONDS = 2.0
# What has waited for longer than this has not come through in the ordinary way.
BACKLOG_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass(slots=True)
class Results:
    """What came of a run. `left_out`: the faults that could not be injected here, with the reason.

    `late`: whether there was no time for some of them.
    """

    accounts: list[Account] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    late: bool = False


@dataclass(slots=True)
class Run:
    """One run on a site. `say` tells what it is at."""

    site: Site
    timing: Timing
    seed: int
    say: Say
    results: Results = field(default_factory=Results)
    _windows: list[Window] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def go(self, faults: Sequence[Fault] = FAULTS, *, by_chance: bool = True) -> Results:
        """Start everything, strike with one fault after another, then at random until the time is over; compare."""
        self.site.start()
        crowd = gather(self.site.scripts)
        folder = self.site.spool.parent
        with self._disk_probes(folder) as disk, loaded(crowd.urls, RATE, folder / "journal") as load:
            self._strike((), CALM_SECONDS)
            for fault in self._possible(faults):
                self._strike((fault,), self.timing.of(fault.length))
            if by_chance:
                self._strike_at_random()
            load.stop()
            self._drain()
            self._compare(load.hits(), [*load.probes(), *disk], crowd)
        return self.results

    def _disk_probes(self, folder: Path) -> AbstractContextManager[list[Probe]]:
        # A disk in memory takes no time.
        return nullcontext([]) if self.site.has_small_disk else probing(folder)

    def _possible(self, faults: Sequence[Fault]) -> Iterator[Fault]:
        for fault in faults:
            if obstacle := fault.obstacle(self.site) or self._lateness():
                self.results.left_out[fault.name] = obstacle
                self.say(f"{fault.name} is left out: {obstacle}")
            else:
                yield fault

    def _lateness(self) -> str:
        if time.monotonic() - self._began <= self.timing.latest:
            return ""
        self.results.late = True
        return f"this machine did not come to it within {self.timing.latest:g} s"

    def _strike_at_random(self) -> None:
        candidates = [Candidate(fault.name, fault.touches) for fault in FAULTS if fault.by_chance]
        for strike in at_random(candidates, self.timing, self.seed):
            if time.monotonic() - self._began + strike.hold > self.timing.budget:
                return
            self._strike([BY_NAME[name] for name in strike.names], strike.hold, strike.gap)

    def _strike(self, faults: Sequence[Fault], hold: float, gap: float | None = None) -> None:
        """Inject, hold and heal; then wait until all has caught up, or for the gap."""
        window = self._window(faults)
        self.say(f"{window.title} …")
        alarms = self.site.alarms()
        with self._reported(window.title):
            for fault in faults:
                fault.inject(self.site)
            time.sleep(hold)
        with self._reported(window.title):
            for fault in reversed(faults):
                fault.heal(self.site)
            self.site.processes.check()
        window = replace(window, healed=time.monotonic())
        back = self._settle(gap)
        alarms = self._alarms(window) - alarms
        self._windows.append(replace(window, back=back, alarms=alarms, imbalances=self._imbalances()))

    def _window(self, faults: Sequence[Fault]) -> Window:
        started = time.monotonic()
        return Window(
            names=tuple(fault.name for fault in faults) or (CALM,),
            started=started,
            healed=started,
            may_duplicate=any(fault.may_duplicate for fault in faults),
            may_lose=frozenset().union(*(fault.may_lose for fault in faults)),
            takes_web=any(fault.takes_web for fault in faults),
            takes_servers=any(fault.takes_servers for fault in faults),
        )

    @contextmanager
    def _reported(self, title: str) -> Iterator[None]:
        """A process that ends by itself, or does not start again, is a finding and not the end of the run."""
        try:
            yield
        except (DevstackError, SubprocessError, OSError) as error:
            self.results.problems.append(f"{title}: {error}")
            self.say(self.results.problems[-1])

    def _settle(self, gap: float | None) -> float | None:
        if gap is not None:
            time.sleep(gap)
            return None
        time.sleep(BACKLOG_SECONDS)
        seconds = wait_for(self.timing.settle, lambda: self._has_caught_up(BACKLOG_SECONDS))
        return None if seconds is None else BACKLOG_SECONDS + seconds

    def _alarms(self, window: Window) -> int:
        """How many lost hits the web process has told of, once it has told of the last one: it does so each second."""
        told, before = self.site.alarms(), -1
        while Missing.EVENT in window.may_lose and told > before:
            time.sleep(TELL_SECONDS + BACKLOG_SECONDS)
            told, before = self.site.alarms(), told
        return told

    def _has_caught_up(self, seconds: float) -> bool:
        try:
            return not self.site.has_spooled() and not database.waiting(self.site.database_url, seconds)
        except psycopg.Error:
            return False

    def _imbalances(self) -> tuple[str, ...]:
        try:
            return tuple(database.imbalances(self.site.database_url))
        except psycopg.Error:
            return ()

    def _drain(self) -> None:
        self.say("the load has ended; what waits comes through …")
        if wait_for(self.timing.drain, lambda: self._has_caught_up(0.0)) is None:
            self.results.problems.append(f"After {self.timing.drain:g} s without load or fault something still waits.")

    def _compare(self, hits: Sequence[Hit], probes: Sequence[Probe], crowd: Crowd) -> None:
        held = database.read(self.site.database_url)
        findings = compare(Ledgers(hits, held, self.site.scripts.receipts(crowd.scripts), crowd.loops))
        struck = frozenset({crowd.scripts[self.site.scripts.plain]})
        windows = [replace(window, struck=struck) for window in self._windows]
        self.results.accounts = settle_accounts(windows, hits, probes, findings)
        self.results.problems += findings.oddities[:10]
        self.results.problems += [problem for account in self.results.accounts for problem in account.problems()]
        if parked := database.parked(self.site.database_url):
            self.results.problems.append(f"{parked} events could not be fanned out and are parked.")
