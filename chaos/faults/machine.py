"""The machine: a disk that is full, a clock that jumps."""

import time

from chaos.clock import CACHE_SECONDS, Clock
from chaos.faults.fault import Fault
from chaos.ledgers import Missing
from chaos.site import Site
from rig.site import PROCESSES

HOUR = 3600
# Long enough for everybody to see it, and to live with it for a while.
BACK_SECONDS = CACHE_SECONDS + 2.0
EVERYTHING = frozenset({*PROCESSES, "postgres"})


def _fill_disk(site: Site) -> None:
    site.fill_disk()
    site.postgres.stop()


def _make_room(site: Site) -> None:
    site.postgres.start()
    site.make_room()


def _clockless(site: Site) -> str:
    return "" if site.clock else "libfaketime is not installed (Debian: apt install faketime)"


def _jump(site: Site) -> None:
    """Everything starts anew on a clock of ours, which then goes an hour on at once."""
    clock = _clock(site)
    clock.jump(0)
    site.put_under(clock)
    clock.jump(HOUR)


def _jump_back(site: Site) -> None:
    _clock(site).jump(0)
    time.sleep(BACK_SECONDS)
    site.put_under(None)


def _clock(site: Site) -> Clock:
    assert site.clock is not None
    return site.clock


FAULTS = (
    Fault(
        "disk-full",
        _fill_disk,
        _make_room,
        frozenset({"postgres", "disk"}),
        may_lose=frozenset({Missing.EVENT}),
        by_chance=False,
    ),
    Fault(
        "clock-jumps",
        _jump,
        _jump_back,
        EVERYTHING,
        may_duplicate=True,
        obstacle=_clockless,
        by_chance=False,
    ),
)
