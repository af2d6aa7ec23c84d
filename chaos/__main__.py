"""``python -m chaos``: breaks everything under load, prints the table and writes chaos/results.json.

SEED=number repeats the random part of a run, FAULTS="name name" strikes with some faults only, CHAOS_QUICK=1 takes less
than two minutes.
"""

import os
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from chaos import report
from chaos.faults import BY_NAME, FAULTS
from chaos.faults.fault import Fault
from chaos.plan import FULL, QUICK, Timing
from chaos.site import Site, running
from marketingsuite.devstack import DevstackError
from rig.machine import machine

NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the environment asks for."""

    timing: Timing
    seed: int
    faults: tuple[Fault, ...]
    everything: bool


def wanted(environ: Mapping[str, str]) -> Wanted:
    """Raises ValueError, with what to do, for a seed that is no number and a fault that there is not."""
    timing = FULL if environ.get("CHAOS_QUICK", "").lower() in NO else QUICK
    seed = environ.get("SEED", "") or str(random.randrange(1_000_000))
    if not seed.isdecimal():
        raise ValueError(f"SEED is {seed!r}; give a whole number, or leave it out.")
    names = environ.get("FAULTS", "").split()
    if unknown := sorted(set(names) - set(BY_NAME)):
        raise ValueError(f"There is no fault {', '.join(unknown)}; the faults are {', '.join(BY_NAME)}.")
    return Wanted(timing, int(seed), tuple(BY_NAME[name] for name in names) or FAULTS, not names)


def main(environ: Mapping[str, str]) -> int:
    """0 when nothing was lost, no promise broken and each duplicate explained; 1 otherwise; 2 for a wrong setting."""
    try:
        asked = wanted(environ)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return strike(asked)
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def strike(asked: Wanted) -> int:
    """Run, print and write; 1 when anything was broken. Raises DevstackError when the site does not come up."""
    started = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {words}", flush=True)

    say(f"SEED={asked.seed}")
    with running(asked.timing) as site:
        # It needs Django, which is set up when the site runs.
        module = import_module("chaos.run")
        about = _about(asked, site)
        results = module.Run(site, asked.timing, asked.seed, say).go(asked.faults, by_chance=asked.everything)
    told = report.rows(results.accounts, results.left_out)
    if asked.everything:
        report.write(told, results.problems, about | {"seconds": round(time.monotonic() - started)})
    print(f"\n{report.table(told)}\n")
    for problem in results.problems:
        print(problem, file=sys.stderr)
    say(f"{'something is broken, see above' if results.problems else 'every promise was kept'}; SEED={asked.seed}")
    return 1 if results.problems else 0


def _about(asked: Wanted, site: Site) -> dict[str, Any]:
    about = machine(site.database_url, site.redis_url, site.load_before) | {"small_disk": site.has_small_disk}
    return {"seed": asked.seed, "quick": asked.timing.quick, "machine": about}


if __name__ == "__main__":
    sys.exit(main(os.environ))
