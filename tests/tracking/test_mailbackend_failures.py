"""Mails that can't be registered or sent, and what the programs that send them are told."""

from smtplib import SMTPRecipientsRefused, SMTPSenderRefused
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from profiles.models import Account
from tests.tracking.mails import HTML, mail, send
from tests.tracking.smtp_server import MailServer
from tracking.mailbackend import NotRegistered
from tracking.models import Event, Message

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"account": "Nobody"}, "The mail 'Spring sale': there is no account 'Nobody'"),
        ({"account": None, "headers": {"X-Suite-Account": "99999999999999999999"}}, "there is no account"),
        ({"headers": {"X-Suite-Tracking": "maybe"}}, "has to be on or off, not 'maybe'"),
        ({"headers": {"X-Suite-Tag": "a"}}, "There is no header X-Suite-Tag; there are X-Suite-Account"),
        ({"tags": "spring"}, "are a list of texts"),
        ({"tags": ["x" * 201]}, "at most 200 characters"),
        ({"tags": 7}, "not iterable"),
        ({"database": "Nowhere"}, "has no database 'Nowhere'"),
        ({"to": ["ann"]}, "'ann' is not an e-mail address"),
    ],
)
def test_what_can_not_be_registered_is_not_sent_and_its_program_is_told(
    server: MailServer, account: Account, changes: dict[str, Any], words: str
) -> None:
    bad = mail(**({"account": account} | changes))
    with pytest.raises(NotRegistered, match="2 mails were not sent, since they can't be registered") as told:
        send(mail(account), bad)
    assert words in str(told.value)
    assert not server.taken
    assert not Message.objects.exists()


def test_who_asked_to_fail_silently_has_the_mail_sent_untracked(
    server: MailServer, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    assert send(mail(account), mail("Nobody"), mail(account), fail_silently=True) == 3
    assert [taken.html.strip() == HTML for taken in server.taken] == [False, True, False]
    assert "Mails go out without being tracked (number: 1)" in caplog.text
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_without_a_database_nothing_is_sent_but_silently(
    server: MailServer, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tracking_message RENAME TO elsewhere")
    try:
        with pytest.raises(NotRegistered, match="can't be registered"):
            send(mail(account))
        assert not server.taken
        assert send(mail(account), mail(account), fail_silently=True) == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO tracking_message")
    assert [taken.html.strip() for taken in server.taken] == [HTML, HTML]
    assert "Mails go out without being tracked (number: 2)" in caplog.text


@pytest.mark.parametrize(
    ("command", "answer", "kept"),
    [
        ("RCPT", "550 5.1.1 <bob@example.com>: user unknown", {
            "code": 550, "extended": "5.1.1", "description": "<bob@example.com>: user unknown", "state": "rcpt"}),
        ("MAIL", "553 sender refused", {"code": 553, "description": "sender refused", "state": "mail"}),
        ("DATA", "554 5.7.1 no spam", {
            "code": 554, "extended": "5.7.1", "description": "no spam", "state": "data"}),
        ("RCPT", "450 4.2.0 greylisted", None),
    ],
)  # fmt: skip
def test_what_the_server_refuses_for_good_has_failed(
    server: MailServer, account: Account, command: str, answer: str, kept: dict[str, Any] | None
) -> None:
    server.refuses[command] = ("", answer)
    with pytest.raises((SMTPRecipientsRefused, SMTPSenderRefused, OSError)):
        send(mail(account))
    assert [event.data for event in Event.objects.filter(type="failure")] == (
        [] if kept is None else [{"action": "failed", "source": "smtp", **kept}]
    )
    if kept:
        assert Event.objects.get().message == Message.objects.get()


def test_a_server_that_is_away_is_asked_once_by_who_fails_silently(account: Account, settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.TRACKED_EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert send(mail(account), mail(account), fail_silently=True) == 0
    with pytest.raises(OSError, match="refused"):
        send(mail(account))
