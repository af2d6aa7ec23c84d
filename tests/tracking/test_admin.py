from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.db.models import Func, TextField, Value
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.dashboard import scans, staff, text, url
from tests.factories import make_events, make_message, make_profile
from tracking.admin import EventAdmin
from tracking.browsing import TOO_MUCH
from tracking.ids import first_id_at, new_id, same_moment
from tracking.models import Event, Message
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db

EVENTS = "tracking_event"
SLOW = Func(Value(0.2), function="pg_sleep", output_field=TextField())
MESSAGES = "tracking_message"


@pytest.fixture
def client() -> Client:
    return staff("tracking.view_event", "tracking.view_message")


def listed(client: Client, model: str, **query: Any) -> set[UUID]:
    """The ids of the objects that the list shows."""
    answer = client.get(url(model, "changelist"), query)
    text(answer)
    return {each.pk for each in answer.context["cl"].result_list}


def event_at(moment: datetime, message: Message) -> UUID:
    id = UUID(int=first_id_at(moment).int | 7 << 76 | 2 << 62)
    store_events([EventRow(id, "open", message.account_id, message.pk, {})])
    return id


def test_an_event_is_found_by_its_id_its_message_and_its_recipient(client: Client) -> None:
    message = make_message(recipient="Ann@Example.com")
    event, other = make_events(message)[0], make_events(make_message(recipient="bob@example.com"))[0]
    for term in (event, message.pk, "ann@example.COM", f" {event} "):
        assert listed(client, EVENTS, q=term) == {event}
    assert listed(client, EVENTS, q="ann") == set()
    assert listed(client, EVENTS) == {event, other}


def test_a_message_is_found_by_its_id_its_recipient_and_how_that_begins(client: Client) -> None:
    message = make_message(recipient="Ann@Example.com")
    make_message(recipient="bob@example.com")
    for term in (message.pk, "ann@example.com", "AN"):
        assert listed(client, MESSAGES, q=term) == {message.pk}
    assert listed(client, MESSAGES, q="nn@") == set()
    assert listed(client, MESSAGES, q="%") == set()


def test_a_message_is_found_by_the_names_that_others_gave_it(client: Client) -> None:
    uuid = str(new_id())
    message = make_message(internet_message_id="7@mail.example.com", esp_message_id=uuid)
    make_message()
    for term in ("7@mail.example.com", " <7@mail.example.com>", uuid):
        assert listed(client, MESSAGES, q=term) == {message.pk}
    assert listed(client, MESSAGES, q="<>") == set()


@pytest.mark.parametrize("kind", ["event", "message", "recipient"])
def test_no_search_reads_all_of_the_history(client: Client, kind: str) -> None:
    message = make_message()
    terms = {"event": make_events(message)[0], "message": message.pk, "recipient": message.recipient}
    assert scans(client, url(EVENTS, "changelist"), q=terms[kind]) == []


@pytest.mark.parametrize("term", ["ann@example.com", "ann", str(new_id())])
def test_no_search_reads_all_messages(client: Client, term: str) -> None:
    make_message()
    assert scans(client, url(MESSAGES, "changelist"), q=term) == []


def test_the_check_for_scans_finds_one(client: Client) -> None:
    assert "Seq Scan on tracking_event_default" in scans(client, url(EVENTS, "changelist"), type__exact="click")


def test_a_filter_that_finds_too_little_ends_in_words(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventAdmin, "PATIENCE_MS", 200)
    monkeypatch.setattr(
        EventAdmin, "get_queryset", lambda *args: Event.objects.alias(slept=SLOW).filter(slept__isnull=False)
    )
    make_events(make_message(), 5)
    answer = client.get(url(EVENTS, "changelist"), {"type__exact": "open"})
    assert (answer.status_code, answer["Location"]) == (302, url(EVENTS, "changelist"))
    assert str(TOO_MUCH) in [str(message) for message in get_messages(answer.wsgi_request)]


def test_a_list_that_takes_too_long_sends_nobody_in_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Event.objects.alias(slept=SLOW).filter(slept__isnull=False)
    monkeypatch.setattr(EventAdmin, "PATIENCE_MS", 200)
    monkeypatch.setattr(EventAdmin, "get_queryset", lambda *args: slow)
    message = make_message()
    make_events(message, 5)
    limited = staff("tracking.view_event", accounts=[message.account])
    day = limited.get(url(EVENTS, "changelist"))["Location"]
    assert day.startswith(f"{url(EVENTS, 'changelist')}?occurred_from_0=20")
    assert limited.get(day)["Location"] == "/admin/"


def test_events_are_filtered_by_time_through_their_ids(client: Client) -> None:
    message, noon = make_message(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    before, at, after = (event_at(noon + timedelta(seconds=each), message) for each in (-1, 0, 1))
    day = {"occurred_from_0": "2026-03-01", "occurred_to_0": "2026-03-01"}
    assert listed(client, EVENTS, **day) == {before, at, after}
    assert listed(client, EVENTS, **day, occurred_from_1="12:00:00") == {at, after}
    assert listed(client, EVENTS, **day, occurred_to_1="12:00:00") == {before, at}
    assert listed(client, EVENTS, occurred_from_0="2026-03-02") == set()


def test_times_and_time_filters_are_in_the_viewers_zone(client: Client) -> None:
    message = make_message()
    event = event_at(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), message)
    client.cookies["timezone"] = "Europe/Amsterdam"
    assert "2 Mar 2026, 00:30:00 CET" in text(client.get(url(EVENTS, "change", event)))
    assert listed(client, EVENTS, occurred_from_0="2026-03-02", occurred_to_0="2026-03-02") == {event}


@pytest.mark.parametrize("zone", ["Nowhere/City", "../../etc/passwd", "Europe", "", "a\\x00b", "x" * 5000])
def test_a_zone_that_is_none_is_passed_over(client: Client, zone: str) -> None:
    event = event_at(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), make_message())
    client.cookies["timezone"] = zone
    assert "1 Mar 2026, 23:30:00 UTC" in text(client.get(url(EVENTS, "change", event)))


@pytest.mark.parametrize("day", ["soon", "0001-01-01", "1960-01-01", "9999-12-31", "99999-01-01"])
def test_a_filter_for_what_no_event_can_have_is_no_error(client: Client, day: str) -> None:
    for side in ("from", "to"):
        assert client.get(url(EVENTS, "changelist"), {f"occurred_{side}_0": day}, follow=True).status_code == 200


def test_a_filter_for_what_is_no_time_is_no_error(client: Client) -> None:
    assert client.get(url(EVENTS, "changelist"), {"occurred_from_0": "soon"}, follow=True).status_code == 200


def test_a_list_asks_as_much_for_many_as_for_few(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_events(make_message())
    with django_assert_num_queries(14) as few:
        listed(client, EVENTS)
    for _ in range(5):
        make_events(make_message(make_profile()), 3)
    with django_assert_num_queries(len(few.captured_queries)):
        listed(client, EVENTS)
    with django_assert_num_queries(8):
        listed(client, MESSAGES)


def test_an_event_outlives_its_message_and_its_account_in_the_list(client: Client) -> None:
    store_events([EventRow(new_id(), "open", 4_000_000, new_id(), {})])
    assert "4000000 (deleted)" in text(client.get(url(EVENTS, "changelist")))
    assert "(deleted)" in text(client.get(url(EVENTS, "change", Event.objects.get().pk)))


def test_what_was_seen_is_shown_as_text(client: Client) -> None:
    event = make_events(make_message(), useragent="<script>alert(1)</script>")[0]
    page = text(client.get(url(EVENTS, "change", event)))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_a_messages_page_leads_to_its_events(client: Client) -> None:
    message = make_message(tags=["welcome"])
    event = make_events(message)[0]
    page = text(client.get(url(MESSAGES, "change", message.pk)))
    assert url(EVENTS, "change", event) in page
    assert "welcome" in page
    assert "Nothing has happened to it yet" in text(client.get(url(MESSAGES, "change", make_message().pk)))


@pytest.mark.parametrize("model", [EVENTS, MESSAGES])
def test_nobody_adds_or_changes_what_was_recorded(admin_client: Client, model: str) -> None:
    message = make_message()
    id = make_events(message)[0] if model == EVENTS else message.pk
    assert admin_client.get(url(model, "add")).status_code == 403
    assert admin_client.post(url(model, "add"), {"recipient": "x@example.com"}).status_code == 403
    assert admin_client.post(url(model, "change", id), {"recipient": "x@example.com"}).status_code == 403
    assert Message.objects.get().recipient == "ann@example.com"


def test_nobody_deletes_an_event(admin_client: Client) -> None:
    event = make_events(make_message())[0]
    assert admin_client.post(url(EVENTS, "delete", event), {"post": "yes"}).status_code == 403
    admin_client.post(
        url(EVENTS, "changelist"), {"action": "delete_selected", "_selected_action": event, "post": "yes"}
    )
    assert Event.objects.filter(pk=event).exists()


def test_the_bounds_of_an_instant_hold_all_ids_of_that_millisecond() -> None:
    id = new_id()
    low, high = same_moment(id)
    assert low <= id <= high
    assert low.int >> 80 == high.int >> 80 == id.int >> 80
    assert UUID(int=low.int - 1).int >> 80 != id.int >> 80 != UUID(int=high.int + 1).int >> 80


def test_a_messages_page_shows_what_it_came_from(client: Client) -> None:
    named: dict[str, Any] = {
        "internet_message_id": "1@mail.example.com",
        "esp_message_id": "0102018f",
        "subject": "Shoes & socks",
    }
    shown = text(client.get(url(MESSAGES, "change", make_message(source="django-mail", tracked=False, **named).pk)))
    for words in ("Django&#x27;s mail, on its way out", "not tracked by us", *map(escape, named.values())):
        assert words in shown
    assert "seen by our pixel and our links" in text(client.get(url(MESSAGES, "change", make_message().pk)))
