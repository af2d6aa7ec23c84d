"""What is done to deliveries from their list."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.utils.timezone import now

from feedbackloops.models import Delivery, FeedbackLoop
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_account, make_message, make_verified_loop, owe

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"
SEES = ("feedbackloops.view_feedbackloop", "feedbackloops.view_delivery")
STEERS = (*SEES, "feedbackloops.change_delivery")


@pytest.fixture
def client() -> Client:
    return staff(*STEERS)


@pytest.fixture
def loop() -> FeedbackLoop:
    return make_verified_loop(make_account())


def listed(client: Client, loop: FeedbackLoop, **asked: Any) -> str:
    return text(client.get(url(LOOP, "deliveries", loop.pk), asked))


def press(client: Client, loop: FeedbackLoop, **pressed: Any) -> Any:
    return client.post(url(LOOP, "deliveries", loop.pk), pressed)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def ids_of(loop: FeedbackLoop) -> list[UUID]:
    return list(Delivery.objects.filter(loop=loop).order_by("-pk").values_list("pk", flat=True))


def put(ids: list[UUID], **values: Any) -> None:
    Delivery.objects.filter(pk__in=ids).update(**values)


def test_one_is_sent_now_or_cancelled_by_the_button_in_its_row(
    client: Client, loop: FeedbackLoop, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    owe(make_message(account=loop.account), 3)
    first, second, third = ids_of(loop)
    put([first, third], next_attempt=now() + timedelta(hours=1), attempts=3)
    put([second], state="given_up", attempts=13)
    rings.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert "1 delivery is sent now." in said(press(client, loop, send=str(first)))
        assert "1 delivery is sent now." in said(press(client, loop, send=str(second)))
    assert "Cancelled 1 delivery." in said(press(client, loop, cancel=str(third)))
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {first: "pending", second: "pending", third: "cancelled"}
    assert Delivery.objects.get(pk=first).next_attempt <= now()
    assert set(rings) == {("deliver", loop.pk)}


def test_what_is_ticked_is_sent_now_or_cancelled_together_and_all_of_it_is_logged(
    client: Client, loop: FeedbackLoop, rings: Rings
) -> None:
    owe(make_message(account=loop.account), 4)
    first, second, third, delivered = ids_of(loop)
    put([delivered], state="delivered")
    assert "Cancelled 2 deliveries." in said(press(client, loop, cancel="ticked", ticked=[first, second, delivered]))
    assert "2 deliveries are sent now." in said(press(client, loop, send="ticked", ticked=[first, third, delivered]))
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert [states[id] for id in (first, second, third, delivered)] == ["pending", "cancelled", "pending", "delivered"]
    logged = {(entry.object_id, entry.change_message) for entry in LogEntry.objects.all()}
    assert logged == {
        (str(loop.pk), "Cancelled 2 deliveries."),
        (str(loop.pk), "Sent 2 deliveries now."),
        *((str(id), "Cancelled.") for id in (first, second)),
        *((str(id), "Sent now.") for id in (first, third)),
    }


def test_what_comes_to_nothing_is_told_and_not_logged(client: Client, loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account))
    [id] = ids_of(loop)
    put([id], state="delivered")
    assert "tick the deliveries first" in said(press(client, loop, cancel="ticked"))
    assert "only what waits can be" in said(press(client, loop, cancel=str(id)))
    assert "what was chosen is delivered" in said(press(client, loop, send=str(id)))
    press(client, loop)
    press(client, loop, cancel="nonsense")
    assert not LogEntry.objects.exists()
    assert Delivery.objects.get().state == "delivered"


def test_sending_says_what_holds_the_loop(client: Client, loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account))
    FeedbackLoop.objects.update(status="paused")
    assert "as soon as the loop sends again; now the loop is paused." in said(
        press(client, loop, send=str(ids_of(loop)[0]))
    )


def test_deliveries_of_another_loop_are_left_alone(client: Client, loop: FeedbackLoop) -> None:
    other = make_verified_loop(make_account())
    owe(make_message(account=other.account))
    press(client, loop, cancel=str(ids_of(other)[0]))
    press(client, loop, cancel="ticked", ticked=ids_of(other))
    assert Delivery.objects.get().state == "pending"


def test_who_may_not_send_again_sees_no_buttons_and_presses_none(loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account))
    viewer, stranger = staff(*SEES), staff("feedbackloops.view_feedbackloop")
    assert "<button" not in listed(viewer, loop)
    assert "checkbox" not in listed(viewer, loop)
    assert press(viewer, loop, cancel=str(ids_of(loop)[0])).status_code == 403
    assert stranger.get(url(LOOP, "deliveries", loop.pk)).status_code == 403
    assert "ann@example.com" not in text(stranger.get(url(LOOP, "change", loop.pk)))
    assert Delivery.objects.get().state == "pending"
