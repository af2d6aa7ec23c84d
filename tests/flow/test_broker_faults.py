"""Valkey holds doorbells only: whatever happens to it, nothing is lost, and no hit waits for it."""

import signal
import time

from django.db import connection, transaction

from tests.flow.customers import Customer, Script
from tests.flow.deployment import Deployment
from tests.flow.waiting import is_watched, wait_until

SLOW = 0.5
# Celery's loop may sleep for two seconds when its hands are full, though a task was begun meanwhile.
LOOK_AGAIN_SECONDS = 2.5
# In this time a worker has tried to acknowledge what it has done.
ACKNOWLEDGE_SECONDS = 1.5


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
    deployment.hit(mail.pixel_url, times=20)
    deployment.valkey.send(signal.SIGKILL)
    try:
        slowest = deployment.hit(mail.pixel_url, times=60)
    finally:
        deployment.valkey.start()
    deployment.hit(mail.pixel_url, times=20)
    assert slowest < SLOW
    script.await_books(owed=100, delivered=100)
    assert len(script.posts) == 100


def takes_no_more(deployment: Deployment) -> bool:
    """Whether tasks wait, and no fewer when a worker must have looked again: one that is slow is not full."""
    waiting = deployment.waiting_tasks("events")
    time.sleep(LOOK_AGAIN_SECONDS)
    return 0 < waiting <= deployment.waiting_tasks("events")


def comes_to_rest(script: Script) -> bool:
    """Whether something is owed, and nothing more after a while."""
    owed = script.books()["owed"]
    time.sleep(ACKNOWLEDGE_SECONDS)
    return 0 < owed == script.books()["owed"]


def test_a_worker_that_has_its_hands_full_when_valkey_dies_goes_on_afterwards(
    deployment: Deployment, customer: Customer
) -> None:
    script, mail = customer.script(), customer.mail()
    wait_until(lambda: not is_watched(), "events are told by tasks again")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE feedbackloops_feedbackloop")  # fan-outs wait for it, hits don't
        deployment.hit(mail.pixel_url, times=40)
        wait_until(lambda: takes_no_more(deployment), "the worker takes no more tasks")
        deployment.valkey.send(signal.SIGKILL)
    try:
        wait_until(lambda: comes_to_rest(script), "what the worker had is done")
    finally:
        deployment.valkey.start()
    deployment.hit(mail.pixel_url, times=10)
    script.await_books(owed=50, delivered=50)
    assert len(script.posts) == 50
