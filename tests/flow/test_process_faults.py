"""kill -9 of each process, at a moment at which only it knows of the work."""

import signal

from tests.flow.customers import Customer
from tests.flow.deployment import Deployment
from tests.flow.waiting import wait_until
from tracking.models import Event


def test_what_was_answered_outlives_a_kill_of_the_web_process(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    deployment.hit(mail.pixel_url, times=50)
    deployment.kill("web")
    deployment.start("web")
    script.await_books(owed=50, delivered=50)
    assert len(script.posts) == 50


def test_events_whose_rings_are_lost_with_their_fan_out_are_found_by_the_sweep(
    deployment: Deployment, customer: Customer
) -> None:
    script, mail = customer.script(), customer.mail()
    deployment.processes.kill("events", signal.SIGSTOP)
    deployment.hit(mail.pixel_url, times=50)
    # They may come by the spool: PostgreSQL was away a moment ago, in another test.
    wait_until(lambda: Event.objects.filter(account=customer.account).count() == 50, "the hits stored")
    deployment.kill("events", "beat")
    deployment.lose_all_rings()
    assert script.books() == {"owed": 0}
    deployment.start("events", "beat")
    script.await_books(owed=50, delivered=50)
    assert len(script.posts) == 50


def test_a_fan_out_that_is_killed_again_and_again_owes_everything_once(
    deployment: Deployment, customer: Customer
) -> None:
    script, mail = customer.script(), customer.mail()
    for _ in range(2):
        deployment.hit(mail.pixel_url, times=100)
        deployment.kill("events")
        deployment.start("events")
    script.await_books(owed=200, delivered=200)
    assert len(script.posts) == 200


def test_what_a_failed_test_has_left_dead_or_frozen_works_for_the_next_one(
    deployment: Deployment, customer: Customer
) -> None:
    deployment.kill("events")
    deployment.processes.kill("worker", signal.SIGSTOP)
    deployment.mend()
    script, mail = customer.script(), customer.mail()
    deployment.hit(mail.pixel_url)
    script.await_books(owed=1, delivered=1)


def test_a_look_that_is_killed_is_made_again(deployment: Deployment, customer: Customer) -> None:
    deployment.processes.kill("looks", signal.SIGSTOP)
    script = customer.unproven_script()
    script.place_file()
    script.loop.save()
    deployment.kill("looks")
    deployment.lose_all_rings()
    deployment.start("looks")
    wait_until(script.is_verified, "the loop is verified")
