"""Mails that hold more than a letter and a link, and mails that pass more than once."""

from html import unescape
from typing import Any

import pytest
from django.core.mail import EmailAlternative, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.test import override_settings
from pytest_django import Settings

from profiles.models import Account
from tests.tracking.mails import HTML, mail, send
from tests.tracking.smtp_server import MailServer
from tracking.mailbackend import OURS
from tracking.messages import register, tracked_html, unsubscribe_url
from tracking.models import Message
from tracking.tokens import read_click

pytestmark = pytest.mark.django_db


def test_attachments_go_out_as_they_are(server: MailServer, account: Account) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    sent = mail(account, ["ann@example.com", "bob@example.com"])
    sent.attach("offer.html", HTML, "text/html")
    sent.attach("preis für Änn.png", picture, "image/png")
    send(sent)
    for taken in server.taken:
        page, image = taken.mail.iter_attachments()
        assert page.get_content().strip() == HTML
        assert (image.get_filename(), image.get_content()) == ("preis für Änn.png", picture)
        assert taken.html.count("/o/") == 1


def test_what_is_not_ascii_goes_through(server: MailServer, account: Account) -> None:
    sent = mail(account, ["Jörg Müller <joerg@müller.example>"], tags=["früh"], list_unsubscribe=True)
    sent.subject, sent.body = "Frühling für Jörg", "Grüße: [[unsubscribe_url]]"
    sent.alternatives = [EmailAlternative('<p>Grüße ✿</p><a href="https://müller.example/ü">ü</a>', "text/html")]
    send(sent)
    (taken,), message = server.taken, Message.objects.get()
    assert (message.recipient, message.subject) == ("joerg@müller.example", "Frühling für Jörg")
    assert taken.recipients == ["joerg@xn--mller-kva.example"]
    assert taken.mail["Subject"] == "Frühling für Jörg"
    assert taken.html.startswith('<p>Grüße ✿</p><a href="https://click.example.com/c/')
    assert taken.mail["List-Unsubscribe"].strip() == f"<{unsubscribe_url(message)}>"


class Twice(BaseEmailBackend):
    """What a backend does that hands mails on to the one that the project has set: here, to ours again."""

    def send_messages(self, email_messages: Any) -> int:
        with override_settings(TRACKED_EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend"):
            return int(get_connection(OURS).send_messages(email_messages) or 0)


def test_a_mail_that_passes_twice_is_registered_once(server: MailServer, account: Account, settings: Settings) -> None:
    settings.TRACKED_EMAIL_BACKEND = f"{__name__}.Twice"
    settings.TRACKED_EMAIL_ACCOUNT = account.name
    assert send(mail()) == 1
    assert Message.objects.count() == 1
    assert server.taken[0].html.count("/o/") == server.taken[0].html.count("/c/") == 1


def test_links_that_were_tracked_before_lead_straight_on_and_count_for_the_mail_that_goes_out(
    server: MailServer,
    account: Account,
    settings: Settings,
) -> None:
    before = register(account, "ann@example.com").message
    leave = unsubscribe_url(before)
    sent = mail(account)
    html = tracked_html(f'{HTML}<a href="{leave}">Leave</a><a href="https://click.example.com/c/x">?</a>', before)
    sent.alternatives = [EmailAlternative(html, "text/html")]
    send(sent)
    first, kept, strange = (unescape(part.split('"')[0]) for part in server.taken[0].html.split('href="')[1:])
    links = [read_click(url.rpartition("/")[2], settings.TRACKING_KEYS, 0) for url in (first, strange)]
    assert [(link.message, link.index, link.url) for link in links] == [
        (sent.tracked_messages[0].pk, 1, "https://shop.example.com/?a=1&b=2"),
        (sent.tracked_messages[0].pk, 3, "https://click.example.com/c/x"),
    ]
    assert kept == leave
