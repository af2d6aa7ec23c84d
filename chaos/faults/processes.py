"""Processes that are killed, frozen, doubled or replaced."""

from chaos.faults.fault import Fault, nothing
from chaos.plan import Length
from chaos.site import Site
from rig.site import PROCESSES, manage

# What makes calls: only its end or its sleep can leave unknown what became of one.
CALLER = "worker"


def _killed(title: str, *names: str) -> Fault:
    return Fault(
        f"kill-{title}",
        lambda site: site.kill(*names),
        lambda site: site.launch(*names),
        frozenset(names),
        Length.MOMENT,
        may_duplicate=CALLER in names,
    )


def _frozen(name: str) -> Fault:
    return Fault(
        f"freeze-{name}",
        lambda site: site.freeze(name),
        lambda site: site.wake(name),
        frozenset({name}),
        Length.LONG,
    )


def _freeze_worker(site: Site) -> None:
    """Another one takes its lanes once the leases have lapsed; the sleeper must notice."""
    site.freeze(CALLER)
    site.launch_another(CALLER)


def _wake_worker(site: Site) -> None:
    site.wake(CALLER)
    site.stop_another(CALLER)


def _deploy(site: Site) -> None:
    """The migration first, with the old processes at work; then each process in turn: SIGTERM, and a new one."""
    manage("migrate", "chaos", "--verbosity", "0", settings="chaos.settings")
    for name in PROCESSES:
        site.stop(name)
        site.launch(name)


FAULTS = (
    *(_killed(name, name) for name in PROCESSES),
    _killed("everything", *PROCESSES),
    *(_frozen(name) for name in PROCESSES if name != CALLER),
    Fault("freeze-worker", _freeze_worker, _wake_worker, frozenset({CALLER}), Length.LONG, may_duplicate=True),
    Fault(
        "two-beats",
        lambda site: site.launch_another("beat"),
        lambda site: site.stop_another("beat"),
        frozenset({"beat"}),
    ),
    Fault("deploy", _deploy, nothing, frozenset({*PROCESSES, "postgres"}), Length.MOMENT, by_chance=False),
)
