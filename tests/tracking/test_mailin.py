import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from profiles.models import Account
from tests.factories import make_account, make_message
from tests.tracking.returned.test_understanding import mail
from tracking.envelopes import Envelope, sign_envelope
from tracking.ids import keyed_id
from tracking.mailin import prune_unread, read_again, take_mail
from tracking.messages import unsubscribe_url
from tracking.models import Event, Message, UnreadMail
from tracking.refusing import refuse

REGISTERED = datetime(2026, 11, 3, 9, 30, 5, tzinfo=UTC)
ID = "019d38e3-2a10@shop.example.com"

_numbers = count(1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> Message:
    return registered()


def registered(account: Account | None = None, **values: Any) -> Message:
    id = keyed_id(REGISTERED, str(next(_numbers)))
    given: dict[str, Any] = {"id": id, "internet_message_id": ID, "created": REGISTERED} | values
    return make_message(account=account, **given)


def address_of(message: Message) -> str:
    return sign_envelope(Envelope(message.account_id, message.pk), settings.TRACKING_KEYS, "bounce.example.com")


def events() -> dict[str, Event]:
    return {event.type: event for event in Event.objects.all()}


def test_a_failure_makes_a_failure_and_a_bounce_with_the_whole_mail(message: Message) -> None:
    take_mail(mail("gmail"))
    found = events()
    assert found.keys() == {"failure", "bounce"}
    data = found["failure"].data
    assert {name: data[name] for name in ("action", "state", "code", "extended")} == {
        "action": "failed",
        "state": "bounce",
        "code": 550,
        "extended": "5.1.1",
    }
    assert found["bounce"].data["mime"] == mail("gmail").decode()
    assert found["bounce"].data["envelope"] == "bounces@shop.example.com"
    assert {event.message_id for event in found.values()} == {message.pk}
    assert found["failure"].occurred_at == datetime(2026, 11, 3, 9, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("postfix", {"failure", "bounce"}),
        ("exim-plain", {"failure", "bounce"}),
        ("qmail", {"failure", "bounce"}),
        ("postfix-delayed", {"bounce"}),
        ("postfix-delivered", {"delivery"}),
        ("arf-yahoo", {"abuse"}),
        ("arf-gmail", {"abuse"}),
        ("arf-jmrp", {"abuse"}),
        ("arf-outlook", {"abuse"}),
        ("arf-not-spam", {"bounce"}),
        ("vacation-sieve", {"bounce"}),
        ("vacation-outlook", {"bounce"}),
        ("vacation-gmail", {"bounce"}),
        ("person", {"bounce"}),
    ],
)
def test_each_kind_of_mail_makes_its_events_once(message: Message, name: str, types: set[str]) -> None:
    for _ in range(2):
        take_mail(mail(name))
    assert {event.type: event.message_id for event in Event.objects.all()} == dict.fromkeys(types, message.pk)
    assert Event.objects.count() == len(types)
    assert not UnreadMail.objects.exists()


def test_our_id_in_the_metadata_of_an_esp_names_the_message() -> None:
    message = registered(
        id=UUID("019d38e3-2a10-7d44-9a31-7c2f10b4e5d6"), internet_message_id="another@shop.example.com"
    )
    take_mail(mail("ses"))
    assert events()["failure"].message_id == message.pk


def test_the_signed_address_goes_before_all_that_the_mail_says(message: Message) -> None:
    meant = registered(recipient="bob@example.com", internet_message_id="")
    take_mail(mail("postfix"), [address_of(meant).upper()])
    assert events()["failure"].message_id == meant.pk


def test_an_address_that_is_not_signed_by_us_names_nothing(message: Message) -> None:
    forged = address_of(registered(internet_message_id="")).replace("b-a", "b-b")
    take_mail(mail("postfix"), [forged])
    assert events()["failure"].message_id == message.pk


def test_the_link_to_unsubscribe_in_a_returned_mail_names_the_message() -> None:
    message = registered(internet_message_id="", recipient="hidden@example.org")
    header = f"List-Unsubscribe: <{unsubscribe_url(message)}>\r\nFrom: Shop".encode()
    take_mail(mail("arf-gmail").replace(b"From: Shop", header))
    assert events()["abuse"].message_id == message.pk
    assert events()["abuse"].data["emailfrom"] == "hidden@example.org"


def test_a_returned_mail_that_is_not_ours_is_not_taken_for_the_newest_one_to_that_address() -> None:
    registered(internet_message_id="ours@shop.example.com")
    take_mail(mail("postfix"))
    assert not Event.objects.exists()
    assert UnreadMail.objects.get().reason == "It names no message that we know."


def test_messages_of_two_accounts_with_one_message_id_are_not_guessed_between(message: Message) -> None:
    registered(make_account())
    take_mail(mail("postfix"))
    assert not Event.objects.exists()


def test_a_date_that_can_not_be_counts_as_the_moment_of_the_message() -> None:
    message = registered()
    take_mail(mail("vacation-gmail").replace(b"2026", b"1999"))
    take_mail(mail("person").replace(b"2026", b"2096"))
    assert {event.occurred_at for event in Event.objects.all()} == {message.created}


@pytest.mark.parametrize(
    "raw", [b"", b"\0\xff\xfe" * 50, b"Subject: hi\n\nBuy this!", "Subject: é\n\nü".encode("latin-1")]
)
def test_what_nobody_understands_is_kept_once_as_it_came(raw: bytes) -> None:
    for _ in range(2):
        take_mail(raw, ["fbl@bounce.example.com"])
    kept = UnreadMail.objects.get()
    assert bytes(kept.raw) == raw
    assert kept.reason == "It is no report that we know, and names no message."
    assert kept.envelope_to == "fbl@bounce.example.com"


def test_a_recipient_of_a_thousand_brackets_is_one_like_any_other(message: Message) -> None:
    take_mail(re.sub(rb"(?m)^(Final-Recipient: rfc822;).*?$", rb"\1 " + b"(" * 1000 + b"@x", mail("gmail")))
    assert {event.message_id for event in events().values()} == {message.pk}


def test_whatever_comes_back_to_a_signed_address_is_a_bounce(message: Message) -> None:
    take_mail(b"\0\xff\xfe", [address_of(message)])
    assert events().keys() == {"bounce"}


def test_a_mail_that_was_kept_is_read_once_its_message_is_there() -> None:
    take_mail(mail("postfix"))
    kept = UnreadMail.objects.get()
    assert not read_again(kept)
    registered()
    assert read_again(kept)
    assert events().keys() == {"failure", "bounce"}
    assert not UnreadMail.objects.exists()


def test_mails_that_nobody_has_read_are_deleted_after_their_days() -> None:
    take_mail(b"old")
    take_mail(b"new")
    UnreadMail.objects.filter(raw=b"old").update(received=REGISTERED)
    assert prune_unread(REGISTERED + timedelta(days=31), 30) == 1
    assert bytes(UnreadMail.objects.get().raw) == b"new"


def test_a_mail_about_somebody_who_was_forgotten_is_not_kept(message: Message) -> None:
    refuse([message.pk])
    address = address_of(message)
    Message.objects.filter(pk=message.pk).delete()
    take_mail(mail("gmail"), [address])
    assert not UnreadMail.objects.exists()
    assert not Event.objects.exists()


def test_nor_is_one_that_names_such_a_message_by_the_message_id_that_we_gave_it(message: Message) -> None:
    refuse([message.pk])
    Message.objects.filter(pk=message.pk).delete()
    raw = mail("gmail")
    take_mail(raw.replace(ID.encode(), f"{message.pk.hex}@shop.example.com".encode()))
    assert not UnreadMail.objects.exists()
    take_mail(raw)
    assert UnreadMail.objects.count() == 1
