"""While many events come, one `events` process hears of them from PostgreSQL. What becomes of it costs only time."""

import signal

from tests.flow.customers import Customer
from tests.flow.deployment import Deployment
from tests.flow.waiting import is_watched, wait_until

AT_ONCE = 10


def hit_until_watched(deployment: Deployment, url: str) -> int:
    """Hit until somebody watches the outbox; how often that was."""
    hits = 0

    def hit_and_look() -> bool:
        nonlocal hits
        deployment.hit(url, times=AT_ONCE)
        hits += AT_ONCE
        return is_watched()

    wait_until(hit_and_look, "the outbox is watched")
    return hits


def test_while_the_outbox_is_watched_new_events_need_no_broker(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    hits = hit_until_watched(deployment, mail.pixel_url)
    deployment.valkey.send(signal.SIGSTOP)
    try:
        deployment.hit(mail.pixel_url, times=50)
        wait_until(lambda: len(script.posts) >= hits + 50, "all have arrived", 10)
    finally:
        deployment.valkey.send(signal.SIGCONT)
    script.await_books(owed=hits + 50, delivered=hits + 50)
    assert len(script.posts) == hits + 50


def test_what_a_watcher_heard_before_it_was_killed_is_found_by_the_sweep(
    deployment: Deployment, customer: Customer
) -> None:
    script, mail = customer.script(), customer.mail()
    hits = hit_until_watched(deployment, mail.pixel_url)
    deployment.processes.kill("events", signal.SIGSTOP)
    deployment.hit(mail.pixel_url, times=50)
    deployment.kill("events")
    deployment.start("events")
    script.await_books(owed=hits + 50, delivered=hits + 50)
    assert len(script.posts) == hits + 50


def test_while_a_watcher_is_frozen_another_process_does_its_work(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    hits = hit_until_watched(deployment, mail.pixel_url)
    with deployment.another("more-events", "events"):
        hits += hit_until_watched(deployment, mail.pixel_url)
        deployment.processes.kill("events", signal.SIGSTOP)
        try:
            deployment.hit(mail.pixel_url, times=50)
            script.await_books(owed=hits + 50, delivered=hits + 50)
            hits += hit_until_watched(deployment, mail.pixel_url)
        finally:
            deployment.processes.kill("events", signal.SIGCONT)
    script.await_books(owed=hits + 50, delivered=hits + 50)
    assert len(script.posts) == hits + 50
