"""``python -m bench [ROW…]``: measures all rows, or those named, prints the table and writes bench/results.json."""

import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module

from bench import ceiling, figures, report
from bench.figures import ROWS
from bench.scale import FULL, QUICK, Scale
from bench.site import Site, running
from marketingsuite.devstack import DevstackError

NO = ("", "0", "false", "no", "off")


def main(names: Sequence[str]) -> int:
    """0 when all was measured, whatever the targets; 1 when a row failed or events were lost or doubled; 2 for a row
    that there is not."""
    if unknown := set(names) - set(ROWS):
        print(f"There is no row {', '.join(sorted(unknown))}; the rows are {', '.join(ROWS)}.", file=sys.stderr)
        return 2
    scale = FULL if os.environ.get("BENCH_QUICK", "").lower() in NO else QUICK
    clock = Clock()
    try:
        with running() as site:
            clock.say(f"PostgreSQL and Valkey are up; the load of this machine was {site.load_before:.1f} before")
            results, failures = measure(site, scale, names or ROWS, clock)
            report.write(results, site, scale, names)
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{figures.table(results)}\n")
    failures += figures.problems(results)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


class Clock:
    """Says what the bench is at, and how long it has been at it."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, words: str) -> None:
        """One line, at once."""
        print(f"{time.monotonic() - self._started:6.1f} s  {words}", flush=True)


def measure(site: Site, scale: Scale, names: Sequence[str], clock: Clock) -> tuple[dict[str, float | int], list[str]]:
    """The figures of these rows by their keys, and a sentence for each row that could not be measured."""
    results = _keyed("ceiling", ceiling.measure())
    failures: list[str] = []
    for name in (row for row in ROWS if row in names):
        clock.say(f"{name} …")
        try:
            measured = _keyed(name, _row(site, scale, name))
        except Exception as error:
            failures.append(f"{name} could not be measured: {type(error).__name__}: {error}")
            clock.say(failures[-1])
            continue
        results |= measured
        clock.say("   ".join(f"{key} {figures.shown(value)}" for key, value in measured.items()))
    return results, failures


def _row(site: Site, scale: Scale, name: str) -> dict[str, float | int]:
    # The rows need Django, which is set up when the site runs.
    module = import_module(f"bench.rows.{name}")
    try:
        measured: dict[str, float | int] = module.measure(site, scale)
    finally:
        site.stop()
        site.clear()
    return measured


def _keyed(row: str, measured: dict[str, float | int]) -> dict[str, float | int]:
    return {f"{row}.{key}": figures.rounded(value) for key, value in measured.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
