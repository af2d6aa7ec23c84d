"""What who runs the service relies on: signs of life, an end in order, and log lines that follow an event."""

import json
import re
import signal
import time

from django.conf import settings

from marketingsuite import alive
from marketingsuite.vitals import files
from tests.flow.customers import Customer
from tests.flow.deployment import Deployment
from tests.flow.waiting import wait_until
from tests.http_server import after, ok
from tests.promptness import within
from tracking.models import Event

NAMES = ("web", "events", "worker", "looks", "beat")
# Longer than from one sign of life to the next.
WITHIN = 8.0


def living(within: float) -> set[str]:
    """Who gave a sign of life in the last so many seconds."""
    found = files.signs(files.folder(settings.VAR_DIR))
    return {name for name in NAMES if alive.verdict(name, files.of_kind(found, name), within)[0]}


def await_new_signs_of_life() -> None:
    began = time.monotonic()
    # However long that takes: each sign of it stays one.
    wait_until(lambda: living(time.monotonic() - began) == set(NAMES), "all have given a new sign of life")


def test_a_process_that_is_frozen_is_seen_to_be_so_and_one_that_ends_in_order_is_forgotten(
    deployment: Deployment,
) -> None:
    await_new_signs_of_life()
    for name in NAMES:
        deployment.processes.kill(name, signal.SIGSTOP)
    try:
        wait_until(lambda: not living(WITHIN), lambda: f"alive though frozen: {living(WITHIN)}")
    finally:
        for name in NAMES:
            deployment.processes.kill(name, signal.SIGCONT)
    await_new_signs_of_life()
    deployment.processes.stop()
    found = files.signs(files.folder(settings.VAR_DIR))
    deployment.start()
    assert not [sign for name in NAMES for sign in files.of_kind(found, name)]


def test_all_processes_end_in_order_under_load_and_the_next_ones_go_on_at_once(
    deployment: Deployment, customer: Customer
) -> None:
    script, mail = customer.script(in_flight_limit=5), customer.mail()
    # So slowly that much is left, however long the hits and the looking take.
    script.answers(after(0.5, ok()))
    deployment.hit(mail.pixel_url, times=200)
    script.await_posts(20)
    with within(10):
        deployment.processes.stop()
    stopped_at, before = time.monotonic(), len(script.posts)
    assert Event.objects.filter(account=customer.account).count() == 200
    assert (script.lane().engine, script.lane().leased_until) == (None, None)
    fence = script.lane().lease_number
    assert script.books().get("delivered", 0) == before < 200
    script.answers(ok())
    deployment.start()
    script.await_books(owed=200, delivered=200)
    assert len(script.posts) == 200
    assert script.posts[before].request.at >= stopped_at
    assert script.lane().lease_number > fence


def test_events_asked_to_end_finishes_what_it_has_taken(deployment: Deployment, customer: Customer) -> None:
    script, mail = customer.script(), customer.mail()
    # What other tests did to its broker stands above.
    log = deployment.processes.log("events")
    size = log.stat().st_size
    for _ in range(3):
        deployment.hit(mail.pixel_url, times=60)
        deployment.processes.stop("events")
        deployment.start("events")
    script.await_books(owed=180, delivered=180)
    assert len(script.posts) == 180
    assert "Traceback" not in log.read_text()[size:]


def test_at_debug_the_lines_of_an_event_lead_from_the_hit_to_the_receipt(
    deployment: Deployment, customer: Customer
) -> None:
    script, mail = customer.script(), customer.mail(["https://example.com/?private=1"])
    sizes = {name: deployment.processes.log(name).stat().st_size for name in NAMES}
    # Patient: on a busy machine the first hit of a process would be spooled.
    with deployment.set_otherwise(LOG_LEVEL="DEBUG", LOG_FORMAT="json", HIT_WAIT_MS="10000"):
        deployment.hit(mail.link_urls[0])
        script.await_books(owed=1, delivered=1)
        (event,) = Event.objects.filter(account=customer.account)
    logs = {name: deployment.processes.log(name).read_text()[sizes[name] :] for name in NAMES}
    told = {name: steps(text, str(event.pk)) for name, text in logs.items()}
    assert told["web"] == ["is recorded"]
    assert told["events"] == ["is fanned out", f"is owed to loop {script.loop.pk}"]
    assert told["worker"] == ["goes out", "has ended: accepted"]
    everything = "".join(logs.values())
    for secret in (mail.link_urls[0].rpartition("/")[2], "private=1", script.loop.secret, settings.SECRET_KEY):
        assert secret not in everything


def steps(text: str, event: str) -> list[str]:
    """What is said of the event, one step after another."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"time"')]
    about = [line["message"] for line in lines if line.get("event") == event]
    return [re.sub(r"^(Event|Attempt 1 of delivery) \S+ ", "", words) for words in about]
