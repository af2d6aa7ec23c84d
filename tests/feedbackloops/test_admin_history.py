import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from feedbackloops.models import Attempt, Delivery, DeliveryState, ParkedEvent, Snapshot
from tests.dashboard import Rings, plans, scans, staff, text, url
from tests.factories import make_account, make_message, make_verified_loop, owe
from tracking.ids import derived_id, new_id
from tracking.models import Event, Message

pytestmark = pytest.mark.django_db

DELIVERIES, ATTEMPTS, PARKED = (f"feedbackloops_{model}" for model in ("delivery", "attempt", "parkedevent"))
HISTORY = (DELIVERIES, ATTEMPTS)


@pytest.fixture
def viewer() -> Client:
    return staff(*(f"feedbackloops.view_{model}" for model in ("delivery", "attempt", "parkedevent")))


@pytest.fixture
def sender() -> Client:
    return staff("feedbackloops.change_delivery")


@pytest.fixture
def message() -> Message:
    account = make_account()
    make_verified_loop(account, name="CRM")
    return make_message(account=account, recipient="Ann@Example.com", tags=["welcome"])


def attempt_of(delivery: Delivery, number: int = 1, **values: Any) -> Attempt:
    facts = {"outcome": "server error", "message": "The script failed.", "status": 500, "started": now()} | values
    return Attempt.objects.create(
        id=derived_id(delivery.pk, number),
        delivery=delivery,
        loop_id=delivery.loop_id,
        account_id=delivery.account_id,
        number=number,
        **facts,
    )


def delivered(message: Message) -> Delivery:
    event = owe(message)[0]
    return Delivery.objects.get(event_id=event)


def listed(client: Client, model: str, **query: Any) -> set[UUID]:
    answer = client.get(url(model, "changelist"), query)
    text(answer)
    return {each.pk for each in answer.context["cl"].result_list}


def test_deliveries_and_attempts_are_found_by_all_that_they_come_from(viewer: Client, message: Message) -> None:
    delivery, other = delivered(message), delivered(make_message(account=message.account, recipient="bob@example.com"))
    attempt = attempt_of(delivery)
    attempt_of(other)
    for term in (delivery.pk, delivery.event_id, message.pk, "ann@example.com"):
        assert listed(viewer, DELIVERIES, q=term) == {delivery.pk}
        assert listed(viewer, ATTEMPTS, q=term) == {attempt.pk}
    assert listed(viewer, ATTEMPTS, q=attempt.pk) == {attempt.pk}
    assert listed(viewer, DELIVERIES, q=new_id()) == listed(viewer, DELIVERIES, q="example") == set()


@pytest.mark.parametrize("model", HISTORY)
@pytest.mark.parametrize("kind", ["event", "message", "recipient"])
def test_no_search_reads_all_of_the_history(viewer: Client, message: Message, model: str, kind: str) -> None:
    delivery = delivered(message)
    attempt_of(delivery)
    terms = {"event": delivery.event_id, "message": message.pk, "recipient": message.recipient}
    assert scans(viewer, url(model, "changelist"), q=terms[kind]) == []


def test_a_deliverys_page_reads_nothing_from_end_to_end(viewer: Client, message: Message) -> None:
    delivery = delivered(message)
    attempt_of(delivery)
    assert scans(viewer, url(DELIVERIES, "change", delivery.pk)) == []


@pytest.mark.parametrize("model", HISTORY)
def test_a_list_asks_as_much_for_many_as_for_few(
    viewer: Client, message: Message, model: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for delivery in [delivered(message), *(delivered(make_message(account=message.account)) for _ in range(9))]:
        attempt_of(delivery)
    expected = {DELIVERIES: 16, ATTEMPTS: 13}[model]
    with django_assert_num_queries(expected):
        assert len(listed(viewer, model)) == 10


@pytest.mark.parametrize("model", HISTORY)
def test_no_list_counts_its_rows_for_every_filter(viewer: Client, message: Message, model: str) -> None:
    page = text(viewer.get(url(model, "changelist"), {"_facets": "True"}))
    assert "Show counts" not in page
    assert "Pending (" not in page


def test_the_loop_to_filter_by_is_found_by_typing(message: Message) -> None:
    client = staff("feedbackloops.view_delivery", "feedbackloops.view_feedbackloop")
    query = {"app_label": "feedbackloops", "model_name": "delivery", "field_name": "loop", "term": "cr"}
    assert [each["text"] for each in client.get("/admin/autocomplete/", query).json()["results"]] == ["CRM"]


@pytest.mark.parametrize("model", HISTORY)
def test_a_filter_for_a_text_that_no_row_can_hold_leads_to_the_whole_list(
    viewer: Client, message: Message, model: str
) -> None:
    attempt_of(delivered(message))
    for name in ("state__exact", "outcome__exact", "loop__id__exact", "q"):
        answer = viewer.get(url(model, "changelist"), {name: "\0"}, follow=True)
        assert len(answer.context["cl"].result_list) == 1


def test_typing_a_text_that_no_loop_can_hold_finds_none(message: Message) -> None:
    client = staff("feedbackloops.view_delivery", "feedbackloops.view_feedbackloop")
    query = {"app_label": "feedbackloops", "model_name": "delivery", "field_name": "loop", "term": "cr\0"}
    assert client.get("/admin/autocomplete/", query).json()["results"] == []


def test_deliveries_are_filtered_by_loop_state_outcome_and_time(viewer: Client, message: Message) -> None:
    first, second = delivered(message), delivered(message)
    Delivery.objects.filter(pk=first.pk).update(state=DeliveryState.GIVEN_UP, outcome="gone")
    assert listed(viewer, DELIVERIES, state__exact="given_up") == {first.pk}
    assert listed(viewer, DELIVERIES, outcome__exact="gone") == {first.pk}
    assert listed(viewer, DELIVERIES, loop__id__exact=first.loop_id) == {first.pk, second.pk}
    assert listed(viewer, DELIVERIES, loop__id__exact=first.loop_id + 1) == set()
    tomorrow = now() + timedelta(days=1)
    assert listed(viewer, DELIVERIES, occurred_from_0=tomorrow.strftime("%Y-%m-%d")) == set()


def test_failures_are_counted_by_the_index_of_failures(viewer: Client, message: Message) -> None:
    delivered(message)
    counted = [
        each for each in plans(viewer, url(DELIVERIES, "changelist"), outcome__exact="gone") if "Aggregate" in each
    ]
    assert counted
    assert all("state_outcome_id_idx" in each for each in counted)


def test_the_list_says_below_its_state_what_came_of_a_delivery_that_was_not_accepted(
    viewer: Client, message: Message
) -> None:
    waiting, failing, good = (delivered(message) for _ in range(3))
    Delivery.objects.filter(pk=failing.pk).update(outcome="server error", attempts=1)
    Delivery.objects.filter(pk=good.pk).update(state=DeliveryState.DELIVERED, outcome="accepted")
    page = text(viewer.get(url(DELIVERIES, "changelist")))
    assert re.findall(r'<div class="listed-small">([^<]*)</div>', page) == ["server error"]
    assert waiting.outcome == ""


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.GIVEN_UP, DeliveryState.CANCELLED])
def test_failures_of_every_state_are_found_by_outcome(viewer: Client, message: Message, state: DeliveryState) -> None:
    failed, other = delivered(message), delivered(message)
    Delivery.objects.filter(pk=failed.pk).update(state=state, outcome="gone")
    Delivery.objects.filter(pk=other.pk).update(state=DeliveryState.DELIVERED, outcome="accepted")
    for outcomes, found in (["gone"], {failed}), (["accepted"], {other}), (["gone", "accepted"], {failed, other}):
        assert listed(viewer, DELIVERIES, outcome__exact=outcomes) == {each.pk for each in found}


def test_a_deliverys_page_tells_its_whole_story(viewer: Client, message: Message) -> None:
    delivery = delivered(message)
    attempt_of(delivery, 1, answer=b"<script>alert(1)</script>\xff\x00")
    second = attempt_of(delivery, 2, outcome="timed out", message="No answer in time.", status=0)
    later = now() + timedelta(hours=2)
    Delivery.objects.filter(pk=delivery.pk).update(attempts=2, outcome="timed out", next_attempt=later)
    page = text(viewer.get(url(DELIVERIES, "change", delivery.pk)))
    for words in (
        "Tried twice so far; the next attempt is due on",
        "The script failed.",
        "No answer in time.",
        "Status 500",
    ):
        assert words in page
    assert page.rindex("No answer in time.") < page.rindex("The script failed.")
    assert "&lt;script&gt;alert(" in page
    assert "<script>alert(1)" not in page
    assert '<th scope="row" dir="auto">recipient</th><td dir="auto">Ann@Example.com</td>' in page
    for link in (url("tracking_event", "change", delivery.event_id), url(ATTEMPTS, "change", second.pk)):
        assert link in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DeliveryState.PENDING, "Not tried yet; it is due now."),
        (DeliveryState.DELIVERED, "the script accepted it, tried once."),
        (DeliveryState.GIVEN_UP, "Given up: it failed once."),
        (DeliveryState.CANCELLED, "Cancelled: nothing more is sent"),
    ],
)
def test_the_state_is_told_in_words(viewer: Client, message: Message, state: DeliveryState, words: str) -> None:
    delivery = delivered(message)
    Delivery.objects.update(state=state, attempts=0 if state is DeliveryState.PENDING else 1)
    assert words in text(viewer.get(url(DELIVERIES, "change", delivery.pk)))


def test_attempts_that_were_searched_for_stand_in_the_order_of_their_start(viewer: Client, message: Message) -> None:
    delivery = delivered(message)
    made = [attempt_of(delivery, number, started=now() + timedelta(seconds=number)) for number in range(1, 6)]
    answer = viewer.get(url(ATTEMPTS, "changelist"), {"q": str(delivery.pk)})
    assert [each.pk for each in answer.context["cl"].result_list] == [each.pk for each in reversed(made)]


def test_an_attempts_page_shows_what_was_seen(viewer: Client, message: Message) -> None:
    attempt = attempt_of(delivered(message), dns=0.001, connect=0.25, address="192.0.2.9", answer=b"<b>no</b>")
    page = text(viewer.get(url(ATTEMPTS, "change", attempt.pk)))
    for words in ("The script failed.", "Connect <b>250 ms</b>", "192.0.2.9", "&lt;b&gt;no&lt;/b&gt;"):
        assert words in page


@pytest.mark.parametrize("model", [*HISTORY, PARKED])
def test_nobody_adds_changes_or_deletes_history(admin_client: Client, message: Message, model: str) -> None:
    delivery = delivered(message)
    parked = ParkedEvent.objects.create(event_id=new_id(), error="No.")
    id = {DELIVERIES: delivery.pk, ATTEMPTS: attempt_of(delivery).pk, PARKED: parked.pk}[model]
    assert admin_client.get(url(model, "add")).status_code == 403
    assert admin_client.post(url(model, "change", id), {"state": "pending", "error": "x"}).status_code == 403
    assert admin_client.post(url(model, "delete", id), {"post": "yes"}).status_code == 403
    text(admin_client.get(url(model, "change", id)))


def test_history_outlives_loop_account_event_and_snapshot(admin_client: Client, message: Message) -> None:
    delivery = delivered(message)
    attempt = attempt_of(delivery)
    gone = {"loop_id": 5_000_000, "account_id": 5_000_001}
    Delivery.objects.update(**gone)
    Attempt.objects.update(**gone)
    Event.objects.all().delete()
    Snapshot.objects.all().delete()
    for model, id in ((DELIVERIES, delivery.pk), (ATTEMPTS, attempt.pk)):
        assert "5000000 (deleted)" in text(admin_client.get(url(model, "changelist")))
        assert "5000000 (deleted)" in text(admin_client.get(url(model, "change", id)))


def test_given_up_deliveries_are_sent_again(
    sender: Client, message: Message, rings: Rings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    ended, pending = delivered(message), delivered(message)
    Delivery.objects.filter(pk=ended.pk).update(state=DeliveryState.GIVEN_UP, attempts=13)
    assert "Send again" in text(sender.get(url(DELIVERIES, "change", ended.pk)))
    with django_capture_on_commit_callbacks(execute=True):
        chosen = {"action": "resend", "_selected_action": [ended.pk, pending.pk]}
        answer = sender.post(url(DELIVERIES, "changelist"), chosen)
    said = [str(each) for each in get_messages(answer.wsgi_request)]
    assert said == [
        "To be sent again, with all attempts before them: 1.",
        "Left as they are, because they are still waiting: 1.",
    ]
    assert Delivery.objects.get(pk=ended.pk).attempts_before == 13
    assert rings == [("deliver", ended.loop_id)]


def test_who_may_only_look_sends_nothing_again(viewer: Client, message: Message) -> None:
    delivery = delivered(message)
    Delivery.objects.update(state=DeliveryState.GIVEN_UP)
    assert "Send again" not in text(viewer.get(url(DELIVERIES, "change", delivery.pk)))
    viewer.post(url(DELIVERIES, "changelist"), {"action": "resend", "_selected_action": delivery.pk})
    assert viewer.post(url(DELIVERIES, "again", delivery.pk)).status_code == 403
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP


def test_an_events_page_leads_to_its_deliveries_for_those_who_may_see_them(message: Message) -> None:
    delivery = delivered(message)
    address = url("tracking_event", "change", delivery.event_id)
    page = text(staff("tracking.view_event", "feedbackloops.view_delivery").get(address))
    assert url(DELIVERIES, "change", delivery.pk) in page
    assert "Deliveries owed" not in text(staff("tracking.view_event").get(address))
