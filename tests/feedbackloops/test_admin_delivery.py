"""A delivery's page and an event's page: what they show to whom, what their buttons do, what they ask PostgreSQL."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from feedbackloops.models import Attempt, Delivery, DeliveryState, FeedbackLoop
from feedbackloops.story.page import STOPS_SHOWN
from tests.dashboard import Rings, scans, staff, text, url
from tests.factories import make_events, make_loop, make_message, make_profile, make_verified_loop, owe
from tracking.ids import derived_id
from tracking.models import Event, Outbox

pytestmark = pytest.mark.django_db

DELIVERY = "feedbackloops_delivery"
SECRET_URL = "https://example.com/hooks/script.php?key=s3cret"
SEES = ("feedbackloops.view_delivery", "feedbackloops.view_feedbackloop")


@pytest.fixture
def delivery() -> Delivery:
    profile = make_profile(firstname="Ann", items="a field may be called that", 名="שלום 😀")
    make_verified_loop(profile.account, name="CRM", url=SECRET_URL)
    return Delivery.objects.get(event_id=owe(make_message(profile, tags=["spring"]))[0])


def attempts(delivery: Delivery, *numbers: int, **values: Any) -> None:
    facts = {"outcome": "server error", "message": "The script failed (status 500).", "status": 500} | values
    for number in numbers:
        started = delivery.occurred_at + timedelta(minutes=number)
        Attempt.objects.create(
            id=derived_id(delivery.pk, number, 1),
            delivery=delivery,
            loop_id=delivery.loop_id,
            account_id=delivery.account_id,
            number=number,
            started=started,
            total=0.5,
            **facts,
        )
    Delivery.objects.filter(pk=delivery.pk).update(attempts=len(numbers))


def page(client: Client, delivery: Delivery) -> str:
    return unescape(text(client.get(url(DELIVERY, "change", delivery.pk))))


def test_profile_and_hit_are_shown_as_they_were(delivery: Delivery) -> None:
    shown = page(staff(*SEES), delivery)
    for words in ("a field may be called that", "שלום 😀", "GET /o/….gif", "192.0.2.1", ">spring</span>"):
        assert words in shown


def test_a_failure_says_what_to_do_and_the_line_of_time_has_the_pauses(delivery: Delivery) -> None:
    attempts(delivery, 1, 2, 3, head="HTTP/1.1 500 Oh\nServer: old", answer=b"PHP Fatal error")
    later = now() + timedelta(hours=2)
    Delivery.objects.filter(pk=delivery.pk).update(next_attempt=later)
    shown = page(staff(*SEES), delivery)
    assert re.search(r">in (2 h|1 h 59 min)</time>", shown)
    for words in (
        "Failing: 3 attempts so far",
        "What to do",
        "PHP Fatal error",
        "Server",
        "Attempt 4",
    ):
        assert words in shown
    assert shown.count("59.5 s after the one before") == 2
    assert re.search(r'<time datetime="[^"]+" data-countdown', shown)


def test_the_url_s_query_and_the_secret_are_shown_to_nobody_who_may_only_look(delivery: Delivery) -> None:
    attempts(delivery, 1)
    loop = FeedbackLoop.objects.get()
    shown = page(staff(*SEES), delivery)
    assert "POST /hooks/script.php?… HTTP/1.1" in shown
    for secret in ("s3cret", loop.secret, loop.secret.removeprefix("whsec_"), "curl -i"):
        assert secret not in shown


def test_a_command_is_for_those_who_may_send_and_see_the_loop(delivery: Delivery) -> None:
    sees_no_loops = staff("feedbackloops.change_delivery")
    assert "curl -i" not in page(sees_no_loops, delivery)
    shown = page(staff("feedbackloops.change_delivery", "feedbackloops.view_feedbackloop"), delivery)
    assert f"curl -i -X POST '{SECRET_URL}'" in shown
    assert "not marked as a test" in shown
    assert FeedbackLoop.objects.get().secret.removeprefix("whsec_") not in shown


def test_what_waits_is_sent_at_once_or_taken_back(
    delivery: Delivery, rings: Rings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Delivery.objects.update(next_attempt=now() + timedelta(days=1), attempts=1)
    client = staff("feedbackloops.change_delivery")
    shown = page(client, delivery)
    assert url(DELIVERY, "now", delivery.pk) in shown
    assert url(DELIVERY, "again", delivery.pk) not in shown
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url(DELIVERY, "now", delivery.pk))
    assert Delivery.objects.get().next_attempt <= now()
    assert rings == [("deliver", delivery.loop_id)]
    client.post(url(DELIVERY, "cancel", delivery.pk))
    assert Delivery.objects.get().state == DeliveryState.CANCELLED
    assert "Cancelled" in page(client, delivery)
    noted = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(noted) == ["Asked for its next attempt at once.", "Cancelled."]


@pytest.mark.parametrize("act", ["now", "cancel"])
def test_what_has_ended_is_left_as_it_is(delivery: Delivery, rings: Rings, act: str) -> None:
    Delivery.objects.update(state=DeliveryState.DELIVERED)
    client = staff("feedbackloops.change_delivery")
    answer = client.post(url(DELIVERY, act, delivery.pk), follow=True)
    assert "It was not waiting any more" in text(answer)
    assert Delivery.objects.get().state == DeliveryState.DELIVERED
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("act", ["again", "now", "cancel"])
def test_no_button_works_for_who_may_only_look_or_without_a_press(delivery: Delivery, act: str) -> None:
    address = url(DELIVERY, act, delivery.pk)
    assert staff(*SEES).post(address).status_code == 403
    assert staff("feedbackloops.change_delivery").get(address).status_code == 405
    assert Delivery.objects.get().state == DeliveryState.PENDING


def test_a_page_asks_as_much_for_many_attempts_as_for_one(
    delivery: Delivery, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = staff(*SEES, "feedbackloops.change_delivery")
    attempts(delivery, 1)
    page(client, delivery)
    with django_assert_num_queries(18):
        page(client, delivery)
    attempts(delivery, *range(2, STOPS_SHOWN + 12))
    with django_assert_num_queries(18):
        shown = page(client, delivery)
    assert shown.count('class="trail-card"') == STOPS_SHOWN
    assert "11 earlier attempts" in shown


@pytest.mark.parametrize("broken", [{"secret": "no secret"}, {"rsa_private_key": "no key", "rsa_key_id": "k"}])
def test_a_loop_whose_keys_are_broken_has_its_page_all_the_same(delivery: Delivery, broken: dict[str, str]) -> None:
    attempts(delivery, 1)
    FeedbackLoop.objects.update(**broken)
    shown = page(staff(*SEES, "feedbackloops.change_delivery"), delivery)
    assert "Failed once so far" in shown
    assert "curl -i" not in shown


def test_an_event_that_cannot_be_sent_says_why(delivery: Delivery) -> None:
    Event.objects.update(data={"ip": 1.5})
    assert "only text and whole numbers can be sent" in page(staff(*SEES), delivery)


def test_an_events_page_says_which_loops_missed_it_and_why(
    delivery: Delivery, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    account = FeedbackLoop.objects.get().account
    make_loop(account, name="Unproven", event_types=["open"])
    FeedbackLoop.objects.update(created=now() - timedelta(days=1))
    client = staff("tracking.view_event", *SEES)
    address = url("tracking_event", "change", delivery.event_id)
    text(client.get(address))
    with django_assert_num_queries(19):
        shown = text(client.get(address))
    assert re.search(r"Unproven</a></span>\s*<span class=\"fate-words\">It was never verified", shown)
    for number in range(10):
        make_loop(account, name=f"Other {number}")
    with django_assert_num_queries(19):
        text(client.get(address))


def test_an_events_page_reads_nothing_from_end_to_end(delivery: Delivery) -> None:
    assert scans(staff("tracking.view_event", *SEES), url("tracking_event", "change", delivery.event_id)) == []


def test_a_fresh_event_says_that_it_waits(delivery: Delivery) -> None:
    event = make_events(make_message(account=FeedbackLoop.objects.get().account))[0]
    client = staff("tracking.view_event", *SEES)
    assert "waits to be handed out" in text(client.get(url("tracking_event", "change", event)))
    Outbox.objects.all().delete()
    assert "waits to be handed out" not in text(client.get(url("tracking_event", "change", event)))
