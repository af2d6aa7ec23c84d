"""While PostgreSQL is away, hits are answered all the same and kept on disk; what was answered for arrives once."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.flow.customers import Customer
from tests.flow.deployment import Deployment
from tests.http_server import after, ok

SLOW = 0.5


@contextmanager
def frozen_postgres(deployment: Deployment) -> Iterator[None]:
    connection.close()
    deployment.postgres.send(signal.SIGSTOP)
    try:
        yield
    finally:
        deployment.postgres.send(signal.SIGCONT)


def test_hits_on_a_frozen_postgres_are_answered_and_arrive_once(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail(["https://example.com/"])
    with frozen_postgres(deployment):
        slowest = deployment.hit(mail.pixel_url, times=50)
        slowest = max(slowest, deployment.hit(mail.link_urls[0], times=50))
    assert slowest < SLOW
    script.await_books(owed=100, delivered=100)
    assert len(script.posts) == 100
    assert sum(post.fields["type"] == "click" for post in script.posts) == 50


def test_hits_on_disk_outlive_a_kill_of_the_web_process(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    with frozen_postgres(deployment):
        deployment.hit(mail.pixel_url, times=30)
        deployment.kill("web")
    deployment.start("web")
    script.await_books(owed=30, delivered=30)
    assert len(script.posts) == 30


def test_hits_on_a_stopped_postgres_arrive_once_it_is_back(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    deployment.hit(mail.pixel_url, times=20)
    connection.close()
    deployment.postgres.stop()
    try:
        slowest = deployment.hit(mail.pixel_url, times=50)
    finally:
        deployment.postgres.start()
    assert slowest < SLOW
    script.await_books(owed=70, delivered=70)
    assert len(script.posts) == 70


def test_a_postgres_that_freezes_under_deliveries_loses_and_doubles_nothing(
    deployment: Deployment, customer: Customer
) -> None:
    script, mail = customer.script(in_flight_limit=5), customer.mail()
    script.answers(after(0.05, ok()))
    deployment.hit(mail.pixel_url, times=100)
    with frozen_postgres(deployment):
        calls = len(script.posts)
        time.sleep(1.5)  # longer than an engine starts calls without renewing its leases
        deployment.hit(mail.pixel_url, times=20)
    script.await_books(owed=120, delivered=120)
    assert calls < 120
    assert len(script.posts) == 120
