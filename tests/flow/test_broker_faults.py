"""Valkey holds doorbells only: whatever happens to it, nothing is lost, and no hit waits for it."""

import signal
import time

from tests.flow.customers import Customer
from tests.flow.deployment import Deployment

SLOW = 0.5


def test_a_valkey_that_is_emptied_under_load_costs_only_time(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    for _ in range(10):
        deployment.hit(mail.pixel_url, times=20)
        deployment.lose_all_rings()
    script.await_books(owed=200, delivered=200)
    assert len(script.posts) == 200


def test_a_valkey_that_freezes_holds_up_no_hit(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    deployment.valkey.send(signal.SIGSTOP)
    try:
        slowest = deployment.hit(mail.pixel_url, times=50)
        time.sleep(1.5)  # the doorbell gives up after a second, and rings for the next hits anew
        slowest = max(slowest, deployment.hit(mail.pixel_url, times=50))
    finally:
        deployment.valkey.send(signal.SIGCONT)
    assert slowest < SLOW
    script.await_books(owed=100, delivered=100)
    assert len(script.posts) == 100


def test_a_valkey_that_dies_and_comes_back_empty_costs_only_time(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    for round in (1, 2, 3):
        deployment.hit(mail.pixel_url, times=40)
        deployment.valkey.send(signal.SIGKILL)
        try:
            assert deployment.hit(mail.pixel_url, times=40) < SLOW
        finally:
            deployment.valkey.start()
        deployment.hit(mail.pixel_url, times=20)
        script.await_books(owed=100 * round, delivered=100 * round)
    assert len(script.posts) == 300
