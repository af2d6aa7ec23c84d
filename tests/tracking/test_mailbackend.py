import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailAlternative, EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from pytest_django import DjangoAssertNumQueries, Settings

from profiles.models import Account
from tests.factories import make_account, make_database, make_profile
from tests.tracking.mails import HTML, mail, send
from tests.tracking.smtp_server import MailServer
from tracking.envelopes import Envelope, read_envelope
from tracking.finding import Trace, find_messages
from tracking.ids import moment_of
from tracking.mailbackend import OURS
from tracking.messages import unsubscribe_url
from tracking.models import Message

pytestmark = pytest.mark.django_db


def test_a_mail_that_passes_is_registered_and_tracked(server: MailServer, account: Account) -> None:
    profile = make_profile(make_database(account), email="Ann@Example.com")
    sent = mail(account, ["Ann Lee <ann@example.com>"], tags=["spring", "shoes"])
    assert send(sent) == 1
    message = Message.objects.get()
    assert sent.tracked_messages == [message]
    assert (message.account, message.recipient, message.profile) == (account, "ann@example.com", profile)
    assert (message.tags, message.source, message.tracked) == (["spring", "shoes"], "django-mail", True)
    assert message.subject == "Spring sale"
    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("shop@example.com", ["ann@example.com"])
    assert taken.mail["Message-ID"] == f"<{message.internet_message_id}>" == f"<{message.pk.hex}@example.com>"
    assert taken.mail["To"] == "Ann Lee <ann@example.com>"
    assert taken.mail["From"] == "Shop <shop@example.com>"
    assert re.fullmatch(
        r'<html><body><p>Hi Ann</p><a href="https://click\.example\.com/c/[\w-]+">Shop</a>'
        r'<img src="https://click\.example\.com/o/[\w-]+\.gif" [^>]+></body></html>',
        taken.html.strip(),
    )
    text = taken.mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "Hi Ann"
    assert "List-Unsubscribe" not in taken.mail


def test_the_mail_of_the_program_stays_as_it_was(server: MailServer, account: Account, settings: Settings) -> None:
    settings.ENVELOPE_DOMAIN = "bounce.example.com"
    headers = {"X-Suite-Unsubscribe": "on", "X-Mailer": "Shop 1.0"}
    sent = mail(account, cc=["bob@example.com"], headers=headers)
    before = {name: repr(value) for name, value in vars(sent).items()}
    send(sent)
    send(sent)
    assert {name: repr(vars(sent)[name]) for name in before} == before
    assert len({taken.mail["Message-ID"] for taken in server.taken}) == 4
    assert all(taken.html.count("/o/") == 1 for taken in server.taken)


def test_several_recipients_get_a_mail_each(server: MailServer, account: Account) -> None:
    to = ["ann@example.com", "Ann <ANN@example.com>", "eve@example.com"]
    sent = mail(account, to, cc=["bob@example.com"], bcc=["cy@example.com"])
    assert send(sent) == 1
    everybody = ["ann@example.com", "eve@example.com", "bob@example.com", "cy@example.com"]
    assert [taken.recipients for taken in server.taken] == [[each] for each in everybody]
    assert [taken.mail["To"] for taken in server.taken] == everybody
    assert not [taken for taken in server.taken if taken.mail["Cc"] or taken.mail["Bcc"]]
    assert [message.recipient for message in sent.tracked_messages] == everybody
    assert len({taken.html for taken in server.taken}) == 4
    assert server.connections == 1


def test_a_list_is_registered_in_a_set(
    server: MailServer, account: Account, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_profile(make_database(account), email="3@example.com")
    mails = [mail(None, [f"{number}@example.com"], headers={"X-Suite-Account": account.name}) for number in range(40)]
    with django_assert_max_num_queries(6):
        assert send(*mails) == 40
    assert Message.objects.filter(profile__isnull=False).count() == 1
    assert Message.objects.count() == len(server.taken) == 40


def test_what_a_mail_says_may_stand_in_headers_that_do_not_go_out(server: MailServer, account: Account) -> None:
    first, second = make_database(account), make_database(account)
    wanted = make_profile(first, email="ann@example.com")
    make_profile(second, email="ann@example.com")
    headers = {
        "X-Suite-Account": str(account.pk),
        "x-suite-tags": "spring,  shoes ,",
        "X-Suite-Tracking": "off",
        "X-Suite-Unsubscribe": "ON",
        "X-Suite-Database": first.name,
    }
    send(mail(headers=headers))
    message, (taken,) = Message.objects.get(), server.taken
    assert (message.account, message.tags, message.tracked, message.profile) == (
        account,
        ["spring", "shoes"],
        False,
        wanted,
    )
    assert not [name for name in taken.mail if name.lower().startswith("x-suite")]
    assert taken.html.strip() == HTML
    assert taken.mail["List-Unsubscribe"].strip() == f"<{unsubscribe_url(message)}>"


def test_a_mail_of_no_account_passes_as_it_is(server: MailServer) -> None:
    assert send(mail(cc=["bob@example.com"], headers={"X-Suite-Tags": "spring"})) == 1
    (taken,) = server.taken
    assert taken.recipients == ["ann@example.com", "bob@example.com"]
    assert (taken.html.strip(), taken.mail["X-Suite-Tags"]) == (HTML, None)
    assert not Message.objects.exists()


def test_the_account_of_mails_that_name_none_is_a_setting(
    server: MailServer, account: Account, settings: Settings
) -> None:
    settings.TRACKED_EMAIL_ACCOUNT = account.name
    other = make_account()
    send(mail(), mail(other))
    assert [message.account for message in Message.objects.order_by("id")] == [account, other]


def test_tracking_is_switched_off_for_a_mail_or_an_account(server: MailServer, account: Account) -> None:
    quiet = make_account()
    quiet.tracks_mail = False
    quiet.save()
    send(mail(account, tracking=False), mail(quiet), mail(account))
    assert [taken.html.strip() == HTML for taken in server.taken] == [True, True, False]
    assert [message.tracked for message in Message.objects.order_by("id")] == [False, False, True]


@pytest.mark.parametrize("kind", [EmailMessage, EmailMultiAlternatives])
def test_a_mail_without_html_is_registered_all_the_same(server: MailServer, account: Account, kind: Any) -> None:
    plain = kind("Sale", "Visit https://shop.example.com/", "shop@example.com", ["ann@example.com"])
    plain.account = account
    send(plain)
    assert not Message.objects.get().tracked
    assert server.taken[0].mail.get_content().strip() == "Visit https://shop.example.com/"


def test_html_is_tracked_wherever_it_stands(server: MailServer, account: Account) -> None:
    only = EmailMessage("Sale", HTML, "shop@example.com", ["ann@example.com"])
    only.content_subtype = "html"
    only.account = account  # type: ignore[attr-defined]
    odd = mail(account)
    odd.alternatives = [EmailAlternative(HTML, "text/x-amp-html"), EmailAlternative(HTML, "Text/HTML")]
    send(only, odd)
    parts = [part for taken in server.taken for part in taken.mail.walk() if "html" in part.get_content_type()]
    assert [(part.get_content_type(), b"/o/" in part.get_payload(decode=True)) for part in parts] == [
        ("text/html", True),
        ("text/x-amp-html", False),
        ("text/html", True),
    ]


def test_one_click_unsubscribing_is_added_where_it_is_asked_for(server: MailServer, account: Account) -> None:
    send(mail(account, list_unsubscribe=True))
    taken, message = server.taken[0].mail, Message.objects.get()
    # RFC 8058, section 8.1.
    assert taken["List-Unsubscribe"].strip() == f"<{unsubscribe_url(message)}>"
    assert taken["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert unsubscribe_url(message).startswith("https://click.example.com/u/")


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ("<mailto:leave@example.com>", ", <mailto:leave@example.com>"),
        ("<https://shop.example.com/leave>", None),
    ],
)
def test_the_programs_own_way_to_unsubscribe_is_kept(
    server: MailServer, account: Account, own: str, kept: str | None
) -> None:
    send(mail(account, list_unsubscribe=True, headers={"list-unsubscribe": own}))
    (header,) = server.taken[0].mail.get_all("List-Unsubscribe", [])
    assert header.strip() == (own if kept is None else f"<{unsubscribe_url(Message.objects.get())}>{kept}")
    assert ("List-Unsubscribe-Post" in server.taken[0].mail) == (kept is not None)


def test_a_post_is_promised_over_https_only(server: MailServer, account: Account, settings: Settings) -> None:
    settings.TRACKING_URL = "http://click.example.com"
    send(mail(account, list_unsubscribe=True))
    assert "List-Unsubscribe" in server.taken[0].mail
    assert "List-Unsubscribe-Post" not in server.taken[0].mail


def test_a_placeholder_becomes_the_link_to_unsubscribe_and_no_click(server: MailServer, account: Account) -> None:
    sent = mail(account)
    sent.body = "Leave: [[unsubscribe_url]]"
    sent.alternatives = [EmailAlternative('<a href="[[unsubscribe_url]]">Leave</a>', "text/html")]
    send(sent)
    url = unsubscribe_url(Message.objects.get())
    text = server.taken[0].mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == f"Leave: {url}"
    assert server.taken[0].html.startswith(f'<a href="{url}">')


def test_the_envelope_names_the_message(server: MailServer, account: Account, settings: Settings) -> None:
    settings.ENVELOPE_DOMAIN = "bounce.example.com"
    send(mail(account))
    (taken,) = server.taken
    assert taken.sender.endswith("@bounce.example.com")
    assert len(taken.sender.split("@")[0]) <= 64
    message = Message.objects.get()
    envelope = read_envelope(taken.sender.upper(), settings.TRACKING_KEYS, moment_of(message.pk).timestamp())
    assert envelope == Envelope(account.pk, message.pk)
    assert taken.mail["From"] == "Shop <shop@example.com>"
    assert message.internet_message_id.endswith("@example.com")


def test_a_message_id_of_the_programs_own_is_kept_and_finds_the_message(server: MailServer, account: Account) -> None:
    send(mail(account, ["ann@example.com", "bob@example.com"], headers={"message-id": "<order-7@shop.example.com>"}))
    assert [taken.mail["Message-ID"] for taken in server.taken] == ["<order-7@shop.example.com>"] * 2
    bob = Message.objects.get(recipient="bob@example.com")
    trace = Trace(header="<order-7@shop.example.com>", recipient="bob@example.com")
    assert find_messages([trace], account=None, before=moment_of(bob.pk)) == [bob]


class Esp(BaseEmailBackend):
    """What an ESP's backend does, as django-anymail's do: it tells the mail what the ESP calls it."""

    esp_name = "Example"
    sent: list[Any] = []

    def send_messages(self, email_messages: Any) -> int:
        for each in email_messages:
            each.anymail_status = type("Status", (), {"message_id": f"esp-{len(self.sent)}"})()
            self.sent.append(each)
        return len(email_messages)


def test_an_esp_gets_our_id_in_its_metadata_and_its_own_is_kept(account: Account, settings: Settings) -> None:
    settings.TRACKED_EMAIL_BACKEND = f"{__name__}.Esp"
    settings.ENVELOPE_DOMAIN = "bounce.example.com"
    Esp.sent.clear()
    one, two = (
        mail(account, tags=["spring"], metadata={"order": "7"}),
        mail(account, ["bob@example.com", "c@example.com"]),
    )
    assert send(one, two) == 2
    stored = {str(message.pk): message.esp_message_id for message in Message.objects.all()}
    assert stored == {each.metadata["suite_message"]: f"esp-{number}" for number, each in enumerate(Esp.sent)}
    assert Esp.sent[0].metadata["order"] == "7"
    assert Esp.sent[0].tags == ["spring"]
    assert {each.from_email for each in Esp.sent} == {"Shop <shop@example.com>"}
    assert one.anymail_status.message_id == "esp-0"
    assert not hasattr(one, "metadata") or one.metadata == {"order": "7"}


def test_the_backend_that_sends_is_not_this_one(settings: Settings) -> None:
    settings.TRACKED_EMAIL_BACKEND = OURS
    with pytest.raises(ImproperlyConfigured, match="the backend that sends"):
        get_connection(OURS)


def test_nothing_to_send_is_no_trouble(account: Account) -> None:
    assert send() == 0
    assert send(mail(account, [])) == 0


def test_links_of_a_mail_lead_where_they_led(server: MailServer, account: Account) -> None:
    send(mail(account))
    (link,) = re.findall(r'href="([^"]+)"', server.taken[0].html)
    assert unescape(link).startswith("https://click.example.com/c/")
    assert UUID(str(Message.objects.get().pk)).version == 7
