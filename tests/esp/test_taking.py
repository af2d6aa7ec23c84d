"""From what ESPs tell to events: the message that is meant, once, and nothing that nobody may know."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils.timezone import now

from esp.calls import reader_of
from esp.models import Webhook
from esp.taking import Taken, take
from esp.told import told_of
from profiles.models import Account, Consent, IPAddresses
from tests.esp.providers import (
    ESP_IDS,
    HAPPENED,
    MESSAGE,
    REGISTERED,
    Call,
    call,
    content_of,
    every_call,
    make_webhook,
    registered,
    signed,
    sns,
)
from tests.esp.test_told import MAKES
from tests.factories import make_account, make_database, make_message, make_profile
from tracking.ids import new_id
from tracking.models import Event, Outbox, Source

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account()


def told(webhook: Webhook, name: str = "", content: Any = None, made: Call | None = None) -> Taken:
    """What becomes of a call."""
    made = made or (signed(webhook, content) if content is not None else call(webhook, name))
    headers: Any = made.headers
    request = RequestFactory().post(webhook.path, made.body, made.content_type, headers=headers)
    return take(webhook, reader_of(webhook).parse_events(request), now())


def events() -> list[Event]:
    return list(Event.objects.order_by("type"))


@pytest.mark.parametrize(("esp", "name"), every_call())
def test_whatever_an_esp_tells_is_recorded_once_however_often_it_comes(esp: str, name: str, account: Account) -> None:
    registered(account, esp_message_id=ESP_IDS.get(esp, ""), tracked=False)
    webhook = make_webhook(esp, account)
    expected = sorted(type for type, _ in MAKES[esp, name])
    assert told(webhook, name) == Taken(recorded=len(expected))
    assert [event.type for event in events()] == expected
    assert {(event.data["source"], event.data["webhook"]) for event in events()} <= {(f"esp: {esp}", str(webhook.pk))}
    assert told(webhook, name) == Taken()
    assert len(events()) == Outbox.objects.count() == len(expected)


def test_an_event_has_the_instant_at_which_it_happened(account: Account) -> None:
    registered(account)
    told(make_webhook("postmark", account), "hard bounce")
    assert {(event.type, event.message_id, event.occurred_at) for event in events()} == {
        ("bounce", MESSAGE, HAPPENED),
        ("failure", MESSAGE, HAPPENED),
    }


def test_a_notification_of_ses_and_its_event_tell_of_one_bounce(account: Account) -> None:
    registered(account)
    webhook = make_webhook("amazon_ses", account)
    notification = content_of("amazon_ses", "bounce")
    published = {name: value for name, value in notification.items() if name != "notificationType"}
    assert told(webhook, content=notification).recorded == 2
    again = sns(webhook, {"Type": "Notification", "MessageId": "another"}, published | {"eventType": "Bounce"})
    assert told(webhook, made=again).recorded == 0


def test_a_mail_is_found_by_its_id_at_the_esp_and_its_recipient(account: Account) -> None:
    one_id = "65832150921904138"
    bob = make_message(account=account, esp_message_id=one_id, recipient="bob@example.com")
    message = make_message(account=account, esp_message_id=one_id, recipient="ann@example.com")
    webhook = make_webhook("sparkpost", account)
    content = _without_metadata(content_of("sparkpost", "delivery"))
    assert told(webhook, content=content).recorded == 1
    assert events()[0].message_id == message.pk != bob.pk


# SendGrid's later events have no id that the mail is known by.
NAMED = [each for each in every_call() if each != ("sendgrid", "spam report, unsubscribe and click")]


@pytest.mark.parametrize(("esp", "name"), NAMED)
def test_without_metadata_its_id_at_the_esp_and_its_recipient_name_the_mail(
    esp: str, name: str, account: Account
) -> None:
    webhook = make_webhook(esp, account)
    made = call(webhook, name)
    headers: Any = made.headers
    request = RequestFactory().post(webhook.path, made.body, made.content_type, headers=headers)
    found = list(reader_of(webhook).parse_events(request))
    for event in found:
        event.metadata = {}
    ids = {each.esp_id for each in map(partial(told_of, esp), found) if each.types}
    assert all(ids)
    common: dict[str, Any] = {"account": account, "created": REGISTERED, "tracked": False}
    meant = {make_message(esp_message_id=id, recipient="ann@example.com", **common).pk for id in ids}
    for id in ids:
        make_message(esp_message_id=id, recipient="bob@example.com", **common)
    assert take(webhook, found, now()) == Taken(recorded=len(MAKES[esp, name]))
    assert {event.message_id for event in events()} == meant


def test_a_mail_is_found_by_the_message_id_of_its_header(account: Account) -> None:
    message = make_message(account=account, internet_message_id="019d38e3-2a10@shop.example.com")
    webhooks = [make_webhook(esp, account) for esp in ("mailgun", "postal", "sendgrid", "amazon_ses")]
    names = ("delivered", "bounced", "dropped", "bounce")
    for webhook, name in zip(webhooks, names, strict=True):
        assert told(webhook, content=_without_metadata(content_of(webhook.esp, name))).recorded
    assert {event.message_id for event in events()} == {message.pk}


def test_an_event_that_ses_publishes_names_the_mail_by_the_message_id_among_its_headers(account: Account) -> None:
    message = make_message(account=account, internet_message_id="019d38e3-2a10@shop.example.com")
    content = {"eventType": "Bounce"} | content_of("amazon_ses", "bounce")
    content["mail"]["commonHeaders"]["messageId"] = content["mail"]["messageId"]
    content["mail"]["headers"] = [{"name": "Message-Id", "value": "<019d38e3-2a10@shop.example.com>"}]
    del content["notificationType"]
    assert told(make_webhook("amazon_ses", account), content=content).recorded == 2
    assert {event.message_id for event in events()} == {message.pk}


def test_other_mail_to_the_same_recipient_is_not_taken_for_ours(account: Account) -> None:
    make_message(account=account, recipient="ann@example.com")
    make_message(account=account, recipient="ann@example.com", esp_message_id="another")
    content = _without_metadata(content_of("sparkpost", "delivery"))
    assert told(make_webhook("sparkpost", account), content=content) == Taken(unknown=1)
    assert not events()


def test_a_mail_of_django_whose_id_is_still_to_come_is_found_by_its_recipient(account: Account) -> None:
    message = make_message(account=account, source=Source.DJANGO_MAIL)
    content = _without_metadata(content_of("mailersend", "hard bounced"))
    assert told(make_webhook("mailersend", account), content=content).recorded == 2
    assert {event.message_id for event in events()} == {message.pk}


OTHER = {
    "event": "bounce",
    "email": "ann@example.com",
    "timestamp": 1793698210,
    "sg_event_id": "1",
    "sg_message_id": "x",
}


@pytest.mark.parametrize(
    "names_another",
    [{"suite_message": str(new_id())}, {"smtp-id": "<other@erp.example>"}, {}],
    ids=lambda said: str(list(said)),
)
def test_what_is_said_of_other_mail_is_not_taken_for_mail_of_django_to_the_same_recipient(
    names_another: dict[str, str], account: Account
) -> None:
    make_message(account=account, source=Source.DJANGO_MAIL, internet_message_id="ours@shop.example")
    assert told(make_webhook("sendgrid", account), content=[OTHER | names_another]) == Taken(unknown=1)
    assert not events()


def test_an_account_can_tell_nothing_of_anothers_mail(account: Account) -> None:
    registered(make_account(), esp_message_id="65832150921904138")
    assert told(make_webhook("sparkpost", account), "bounce and delay") == Taken(unknown=2)
    assert not events()


def test_opens_and_clicks_are_recorded_where_we_do_not_track_ourselves(account: Account) -> None:
    registered(account, tracked=True)
    webhook = make_webhook("sparkpost", account)
    assert told(webhook, "open and click") == Taken()
    assert not events()


def test_opens_and_clicks_of_who_may_not_be_tracked_are_not_recorded(account: Account) -> None:
    database = make_database(account)
    database.consent, database.consent_field = Consent.OPT_IN, "news"
    database.save()
    profile = make_profile(database, news="no")
    registered(account, tracked=False, profile=profile)
    webhook = make_webhook("sparkpost", account)
    assert told(webhook, "open and click") == Taken()
    profile.fields["news"] = "yes"
    profile.save()
    assert told(webhook, "open and click").recorded == 2


def test_of_an_address_as_much_is_kept_as_the_account_says(account: Account) -> None:
    Account.objects.update(ip_addresses=IPAddresses.SHORTENED)
    registered(account, tracked=False)
    told(make_webhook("mailgun", account), "unsubscribed")
    assert events()[0].data["ip"] == "203.0.113.0"


def test_an_event_that_can_not_be_kept_does_not_keep_the_others_out(account: Account) -> None:
    registered(account, tracked=False)
    content = content_of("sparkpost", "open and click")
    content[1]["msys"]["track_event"]["target_link_url"] = "javascript:alert(1)"
    taken = told(make_webhook("sparkpost", account), content=content)
    assert (taken.recorded, taken.unusable) == (1, 1)
    assert taken.problem.startswith("An event of the type click can't be kept. The field 'original'")


def test_a_clock_that_is_wrong_at_the_esp_moves_no_event_to_another_day(account: Account) -> None:
    registered(account)
    content = content_of("sparkpost", "delivery")
    wrong: list[Any] = ["0", "253402300799", "-1", None, [], "tomorrow"]
    for timestamp in wrong:
        content[0]["msys"]["message_event"]["timestamp"] = timestamp
        assert told(make_webhook("sparkpost", account), content=content).unusable == 0
    assert {event.occurred_at for event in events()} == {HAPPENED - timedelta(seconds=5)}


def test_texts_that_no_database_holds_are_cleaned(account: Account) -> None:
    registered(account)
    content = content_of("sparkpost", "bounce and delay")
    for each in content:
        each["msys"]["message_event"] |= {
            "raw_reason": "550 5.1.1 a\x00b\ud800c",
            "transmission_id": "\x00",
            "event_id": "\x00",
        }
    assert told(make_webhook("sparkpost", account), content=content).recorded == 3


def test_a_hundred_events_take_as_many_questions_as_one(account: Account, django_assert_max_num_queries: Any) -> None:
    registered(account, tracked=False)
    webhook = make_webhook("sparkpost", account)
    content = [
        {"msys": {"message_event": each["msys"]["message_event"] | {"event_id": str(number)}}}
        for number in range(100)
        for each in content_of("sparkpost", "delivery")
    ]
    with django_assert_max_num_queries(6):
        assert told(webhook, content=content).recorded == 100


def _without_metadata(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: _without_metadata(value)
            for name, value in content.items()
            if name not in ("suite_message", "headers", "rcpt_meta", "user-variables") or "message-id" in str(value)
        }
    return [_without_metadata(each) for each in content] if isinstance(content, list) else content
