"""What becomes of hits while PostgreSQL is away, seen from outside the web process."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

import pytest

from marketingsuite.devstack import Stack
from tests.tracking.samples import click_url, pixel_url, wait_until
from tests.tracking.site import Site, site

ANSWER_SECONDS = 0.05
# What a busy machine may add to the slowest of many answers, beyond what it is measured to.
ALLOWANCE = 0.1
FAULTS = ["frozen", "stopped"]
LOST = "SELECT sum(lost) FROM tracking_hitcount"
ACCEPTED = "SELECT sum(accepted) FROM tracking_hitcount"


@pytest.fixture
def place(stack: Stack, tmp_path: Path) -> Iterator[Site]:
    with site(stack, tmp_path) as place:
        yield place


def away(place: Site, fault: str) -> AbstractContextManager[None]:
    return place.frozen() if fault == "frozen" else place.stopped()


@pytest.mark.parametrize("fault", FAULTS)
def test_soon_after_postgres_is_gone_no_hit_waits_for_it_and_all_are_recorded_and_counted(
    place: Site, fault: str
) -> None:
    place.start_web()
    place.hit(pixel_url(), 10)
    wait_until(lambda: place.events() == 10)
    with away(place, fault):
        first = place.hit(click_url(), 20)
        later = place.hit(click_url(), 200)
        assert sum(hit.type == "click" for hit in place.spooled()) == 220
    assert max(first + later) < ANSWER_SECONDS + ALLOWANCE
    assert median(later) < ANSWER_SECONDS / 2
    assert sum(seconds > ANSWER_SECONDS / 2 for seconds in later) < 10
    assert place.log().count("PostgreSQL is away") == 1
    wait_until(lambda: "PostgreSQL is back" in place.log(), 30)
    wait_until(lambda: place.events() == 230 and not place.spooled(), 30)
    place.hit(pixel_url(), 10)
    assert len(place.spooled()) < 10, "on a busy machine one of them may be late, not all"
    wait_until(lambda: place.events() == place.count(ACCEPTED) == 240)
    assert place.count(LOST) == 0


def test_a_process_that_starts_while_postgres_is_frozen_answers_and_loses_nothing(place: Site) -> None:
    with place.frozen():
        place.start_web()
        assert max(place.hit(click_url(), 50)) < ANSWER_SECONDS + ALLOWANCE
    wait_until(lambda: place.events() == 50, 30)
    wait_until(lambda: place.count(ACCEPTED) == 50)


def test_on_a_full_disk_links_lead_on_and_each_hit_is_counted_as_kept_or_lost(place: Site) -> None:
    # A file may have 16 blocks of 512 bytes: the tally has its page, the spool takes a few hits.
    place.start_web("ulimit -f 16")
    with place.stopped():
        assert max(place.hit(click_url(), 150)) < ANSWER_SECONDS + ALLOWANCE
        kept = len(place.spooled())
        place.processes.kill("web")
    assert 10 < kept < 100
    assert place.log().count("is lost, number") < 10
    place.processes.commands["web"] = place.processes.commands["web"].replace("ulimit -f 16", "true")
    place.start_web()
    wait_until(lambda: place.events() == place.count(ACCEPTED) == kept, 30)
    assert place.count(LOST) == 150 - kept
