"""An engine that is killed or frozen: another one goes on, and only what was under way can arrive twice."""

import signal
from collections.abc import Iterator

import pytest

from tests.flow.customers import Customer, Script
from tests.flow.deployment import Deployment
from tests.http_server import after, ok
from tests.promptness import Lateness, measured

IN_FLIGHT = 5
# A call that ended may wait for 20 ms and a turn of the engine until it is recorded.
UNRECORDED = 2 * IN_FLIGHT


@pytest.fixture
def lateness() -> Iterator[Lateness]:
    with measured() as lateness:
        yield lateness


@pytest.fixture
def busy_script(deployment: Deployment, customer: Customer) -> Script:
    """A script with two hundred events to go and a fifth of them behind it, which takes its time."""
    script = customer.script(in_flight_limit=IN_FLIGHT)
    script.answers(after(0.3, ok()))
    deployment.hit(customer.mail().pixel_url, times=200)
    script.await_posts(40)
    return script


def assert_doubled_only_around(script: Script, moment: float, lateness: Lateness) -> None:
    """Only calls that had not been recorded at this moment were made again."""
    doubled = script.duplicates()
    assert set(doubled.values()) <= {1}
    assert len(doubled) <= IN_FLIGHT + UNRECORDED
    for event in doubled:
        first = next(post for post in script.posts if post.event == event)
        assert abs(first.request.at - moment) < 1.0 + lateness.allowance


def test_an_engine_that_is_killed_loses_nothing(
    deployment: Deployment, busy_script: Script, lateness: Lateness
) -> None:
    deployment.kill("worker")
    killed = busy_script.posts[-1].request.at
    assert len(busy_script.posts) < 200
    busy_script.answers(ok())
    deployment.start("worker")
    busy_script.await_books(owed=200, delivered=200)
    assert len({post.event for post in busy_script.posts}) == 200
    assert_doubled_only_around(busy_script, killed, lateness)


def test_an_engine_that_is_asked_to_stop_doubles_nothing_and_gives_the_lane_back(
    deployment: Deployment, busy_script: Script
) -> None:
    deployment.processes.stop("worker")
    assert len(busy_script.posts) < 200
    assert busy_script.lane().engine is None
    assert busy_script.books()["delivered"] == len(busy_script.posts)
    busy_script.answers(ok())
    deployment.start("worker")
    busy_script.await_books(owed=200, delivered=200)
    assert len(busy_script.posts) == 200


def test_an_engine_that_sleeps_past_its_lease_finds_the_lane_taken_and_leaves_it(
    deployment: Deployment, customer: Customer, busy_script: Script, lateness: Lateness
) -> None:
    deployment.processes.kill("worker", signal.SIGSTOP)
    frozen = busy_script.posts[-1].request.at
    fence = busy_script.lane().lease_number
    with deployment.another("second", "worker"):
        try:
            busy_script.await_posts(len(busy_script.posts) + 2 * IN_FLIGHT)
            assert busy_script.lane().lease_number > fence
            assert busy_script.books().get("delivered", 0) < 200
        finally:
            busy_script.answers(ok())
            deployment.processes.kill("worker", signal.SIGCONT)
        busy_script.await_books(owed=200, delivered=200)
        assert len({post.event for post in busy_script.posts}) == 200
        assert_doubled_only_around(busy_script, frozen, lateness)
        calls = len(busy_script.posts)
        deployment.hit(customer.mail().pixel_url, times=50)
        busy_script.await_books(owed=250, delivered=250)
        assert len(busy_script.posts) == calls + 50
