"""What holds a delivery back, and what becomes of one that is sent again."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, LaneState
from tests.dashboard import staff, text, url
from tests.factories import make_account, make_message, make_verified_loop, owe
from tracking.ids import new_id

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings")]

DELIVERIES = "feedbackloops_delivery"


@pytest.fixture
def sender() -> Client:
    return staff("feedbackloops.change_delivery")


@pytest.fixture
def delivery() -> Delivery:
    account = make_account()
    make_verified_loop(account, name="CRM")
    return Delivery.objects.get(event_id=owe(make_message(account=account))[0])


HOLDS = [
    ({"status": "paused"}, {}, "the loop is paused"),
    ({"status": "disabled"}, {}, "the loop is disabled"),
    ({"verified_place": ""}, {}, "the loop is not verified"),
    ({}, {"stopped": now(), "stop_reason": "gone"}, "the loop has stopped by itself"),
    ({}, {"troubles": 5, "cooling_until": now() + timedelta(hours=1)}, "the loop rests until"),
]


@pytest.mark.parametrize(("loop", "lane", "words"), HOLDS)
def test_a_held_delivery_says_what_holds_it(
    delivery: Delivery, loop: dict[str, Any], lane: dict[str, Any], words: str
) -> None:
    FeedbackLoop.objects.update(**{"name": "CRM"} | loop)
    LaneState.objects.update(**{"troubles": 0} | lane)
    client = staff("feedbackloops.view_delivery", "tracking.view_event")
    page = text(client.get(url(DELIVERIES, "change", delivery.pk)))
    assert "Its loop: " in page
    for each in (
        page,
        text(client.get(url(DELIVERIES, "changelist"))),
        text(client.get(url("tracking_event", "change", delivery.event_id))),
    ):
        assert f"held: {words}" in each


def test_a_rest_that_ends_before_the_next_attempt_holds_nothing_back(sender: Client, delivery: Delivery) -> None:
    LaneState.objects.update(troubles=5, cooling_until=now() + timedelta(minutes=1))
    Delivery.objects.update(next_attempt=now() + timedelta(hours=1))
    assert "held" not in text(sender.get(url(DELIVERIES, "changelist")))


@pytest.mark.parametrize(("loop", "lane", "words"), [({}, {}, ""), *HOLDS])
def test_sending_again_from_the_page_stays_there_and_says_when(
    sender: Client, delivery: Delivery, loop: dict[str, Any], lane: dict[str, Any], words: str
) -> None:
    Delivery.objects.update(state=DeliveryState.GIVEN_UP, attempts=13)
    FeedbackLoop.objects.update(**{"name": "CRM"} | loop)
    LaneState.objects.update(**{"troubles": 0} | lane)
    address = url(DELIVERIES, "change", delivery.pk)
    assert url(DELIVERIES, "again", delivery.pk) in text(sender.get(address))
    answer = sender.post(url(DELIVERIES, "again", delivery.pk), follow=True)
    assert answer.redirect_chain == [(address, 302)]
    expected = (
        f"It is sent again once the loop sends again; now {words}" if words else "It is sent again now; 13 attempts"
    )
    assert expected in text(answer)
    assert Delivery.objects.get().state == DeliveryState.PENDING


def test_sending_again_what_waits_leaves_it_as_it_is(sender: Client, delivery: Delivery) -> None:
    answer = sender.post(url(DELIVERIES, "again", delivery.pk), follow=True)
    assert "still waiting" in text(answer)
    assert sender.get(url(DELIVERIES, "again", delivery.pk)).status_code == 405
    assert sender.post(url(DELIVERIES, "again", new_id())).status_code == 404


def test_sending_many_again_names_the_loops_that_hold_them(sender: Client, delivery: Delivery) -> None:
    Delivery.objects.update(state=DeliveryState.GIVEN_UP)
    FeedbackLoop.objects.update(status="paused")
    chosen = {"action": "resend", "_selected_action": [delivery.pk]}
    answer = sender.post(url(DELIVERIES, "changelist"), chosen, follow=True)
    assert "Waiting until the loop sends again: “CRM” (the loop is paused)." in text(answer)
