"""``python -m chaos``: breaks everything under load, prints the table and writes it to a file.

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
from pathlib import Path
from typing import Any

from chaos import report
from chaos.faults import BY_NAME, FAULTS
from chaos.faults.fault import Fault
from chaos.plan import FULL, QUICK, Timing
from chaos.site import Site, running
from marketingsuite.devstack import DevstackError
from rig.children import ROOT
from rig.machine import machine

NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the environment asks for. `folder`: the data folder; in a run the environment names that of the site."""

    timing: Timing
    seed: int
    faults: tuple[Fault, ...]
    everything: bool
    folder: Path


def wanted(environ: Mapping[str, str]) -> Wanted:
    """Raises ValueError, with what to do, for a seed that is no number and a fault that there is not."""
    timing = FULL if environ.get("CHAOS_QUICK", "").lower() in NO else QUICK
    seed = environ.get("SEED", "") or str(random.randrange(1_000_000))
    if not seed.isdecimal():
        raise ValueError(f"SEED is {seed!r}; give a whole number, or leave it out.")
    names, folder = environ.get("FAULTS", "").split(), Path(environ.get("MARKETINGSUITE_VAR") or ROOT / "var")
    if unknown := sorted(set(names) - set(BY_NAME)):
        raise ValueError(f"There is no fault {', '.join(unknown)}; the faults are {', '.join(BY_NAME)}.")
    return Wanted(timing, int(seed), tuple(BY_NAME[name] for name in names) or FAULTS, not names, folder)


def main(environ: Mapping[str, str]) -> int:
    """0 when nothing was lost, no promise broken and each duplicate explained; 1 otherwise, and when no fault struck.

    2 for a wrong setting.
    """
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
    """Run, print and write; 1 when anything was broken, or nothing put to the test. Raises DevstackError."""
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
    file = file_for(asked, late=results.late)
    report.write(told, results.problems, about | {"seconds": round(time.monotonic() - started)}, file)
    print(f"\n{report.table(told)}\n")
    for problem in results.problems:
        print(problem, file=sys.stderr)
    struck, faults = len(asked.faults) - len(results.left_out), len(asked.faults)
    say(f"the table is in {file}; SEED={asked.seed}")
    say(report.closing(struck, faults, len(results.problems)))
    return 1 if results.problems or not struck else 0


def file_for(asked: Wanted, *, late: bool) -> Path:
    """Where the table goes: only that of a whole run is kept with the code."""
    is_whole = asked.everything and not asked.timing.quick and not late
    return report.FILE if is_whole else asked.folder / "chaos-results.json"


def _about(asked: Wanted, site: Site) -> dict[str, Any]:
    about = machine(site.database_url, site.redis_url, site.load_before) | {"small_disk": site.has_small_disk}
    return {"seed": asked.seed, "quick": asked.timing.quick, "machine": about}


if __name__ == "__main__":
    sys.exit(main(os.environ))
