"""What becomes of a delivery that the script does not accept at once."""

import pytest

from feedbackloops.models import LoopStatus
from tests.flow.customers import Customer, set_status
from tests.flow.deployment import Deployment
from tests.http_server import Behaviour, hang, in_turn, ok, redirect, status


@pytest.mark.parametrize(
    ("behaviour", "outcome", "words"),
    [
        (status(500), "server error", "status 500"),
        (status(404), "rejected", "status 404"),
        (redirect("/elsewhere"), "rejected", "redirected to /elsewhere"),
    ],
)
def test_a_script_that_never_accepts_is_tried_to_the_end_of_the_schedule(
    deployment: Deployment, customer: Customer, behaviour: Behaviour, outcome: str, words: str
) -> None:
    script = customer.script()
    script.answers(behaviour)
    deployment.hit(customer.mail().pixel_url)
    script.await_books(owed=1, given_up=1)
    assert [post.attempt for post in script.posts] == [1, 2, 3, 4]
    assert len({post.event for post in script.posts}) == 1
    assert len({post.header("x-nonce") for post in script.posts}) == 4
    assert [(each.number, each.outcome) for each in script.attempts()] == [(n, outcome) for n in (1, 2, 3, 4)]
    assert words in script.attempts()[0].message
    assert not [each for each in script.server.requests if each.path == "/elsewhere"]


def test_a_script_that_recovers_in_the_middle_gets_the_event(deployment: Deployment, customer: Customer) -> None:
    script = customer.script()
    script.answers(in_turn(hang, status(503), ok()))
    deployment.hit(customer.mail().pixel_url)
    script.await_books(owed=1, delivered=1)
    assert [post.attempt for post in script.posts] == [1, 2, 3]
    assert [each.outcome for each in script.attempts()] == ["timed out", "server error", "accepted"]
    assert not script.lane().troubles


def test_a_script_that_is_gone_is_left_alone(deployment: Deployment, customer: Customer) -> None:
    script = customer.script(in_flight_limit=1, status=LoopStatus.PAUSED)
    script.answers(status(410))
    deployment.hit(customer.mail().pixel_url, times=3)
    script.await_books(owed=3, pending=3)
    set_status(script, LoopStatus.ACTIVE)
    script.await_books(owed=3, pending=2, given_up=1)
    deployment.hit(customer.mail().pixel_url)
    customer.await_fan_out(events=4)
    assert script.lane().stop_reason == "gone"
    assert script.books() == {"owed": 3, "pending": 2, "given_up": 1}
    assert len(script.posts) == 1


def test_a_script_that_asks_for_time_gets_it(deployment: Deployment, customer: Customer) -> None:
    script = customer.script()
    script.answers(in_turn(status(429, headers=[("Retry-After", "2")]), ok()))
    deployment.hit(customer.mail().pixel_url)
    script.await_books(owed=1, delivered=1)
    first, second = script.posts
    assert second.request.at - first.request.at >= 2
    assert (second.attempt, second.event) == (2, first.event)
    assert script.attempts()[0].outcome == "throttled"
