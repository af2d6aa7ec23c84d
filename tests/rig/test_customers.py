from time import time

import pytest
from django.conf import settings

from bench.receiver import SMALLEST_BODY
from feedbackloops import calls, lanes
from feedbackloops.models import DeliveryState, LoopStatus
from rig.customers import customer, customers
from tracking.models import Event, Outbox
from tracking.tokens import read_click, read_open

pytestmark = pytest.mark.django_db

SCRIPTS = ["http://127.0.0.1:9/ok/one", "http://127.0.0.1:9/ok/two"]


def test_a_customer_has_loops_that_may_be_called_and_mails_that_can_be_hit() -> None:
    made = customer("Bench", SCRIPTS, people=3, in_flight_limit=500)

    assert [(each.url, each.is_verified, each.in_flight_limit) for each in made.loops] == [
        (script, True, 500) for script in SCRIPTS
    ]
    assert len(lanes.facts(each.pk for each in made.loops)) == 2
    tokens = [url.removeprefix(settings.TRACKING_URL) for url in made.urls]
    assert [token[:3] for token in tokens] == ["/o/", "/c/", "/c/"] * 3
    assert read_open(tokens[0][3:].removesuffix(".gif"), settings.TRACKING_KEYS, time()).account == made.account.pk
    assert read_click(tokens[1][3:], settings.TRACKING_KEYS, time()).message == made.mails[0].message.pk


def test_making_customers_leaves_no_event_behind() -> None:
    customer("Bench", SCRIPTS)
    customers("Many", SCRIPTS)

    assert not Event.objects.exists()
    assert not Outbox.objects.exists()


def test_each_of_many_customers_has_a_loop_of_its_own() -> None:
    one, two = customers("Many", SCRIPTS, in_flight_limit=7)

    assert one.account != two.account
    assert [each.loop.url for each in (one, two)] == SCRIPTS
    assert one.loop.in_flight_limit == 7
    one.owe(1)
    assert (one.deliveries(DeliveryState.PENDING), two.deliveries(DeliveryState.PENDING)) == (1, 0)


def test_what_is_owed_waits_in_every_loop_even_while_it_is_paused() -> None:
    made = customer("Bench", SCRIPTS)
    assert not made.has_pending()
    made.set_status(LoopStatus.PAUSED)
    made.owe(501)

    assert made.has_pending()
    assert made.events() == 501
    assert made.deliveries(DeliveryState.PENDING) == 2 * 501
    assert not lanes.facts(each.pk for each in made.loops)


def test_bodies_are_as_long_as_the_bench_promises() -> None:
    made = customer("Bench", SCRIPTS[:1], people=1)
    made.owe(1)
    event = Event.objects.get()
    content = calls.Contents(*lanes.events([event.pk])[event.pk])
    call = calls.call_for(calls.Script.from_loop(made.loop), content, now=event.occurred_at)

    assert call.body is not None
    assert len(call.body) >= SMALLEST_BODY
