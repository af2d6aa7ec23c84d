"""Mails of which the mail server does not take every copy."""

from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest

from profiles.models import Account
from tests.tracking.mails import mail, send
from tests.tracking.smtp_server import MailServer
from tracking.models import Event

pytestmark = pytest.mark.django_db


def refusing(server: MailServer, part: str, answer: str) -> Any:
    server.refuses["RCPT"] = (part, answer)
    return ["ann@example.com", "bob@example.com", "cy@example.com"]


@pytest.mark.parametrize("silently", [False, True])
@pytest.mark.parametrize("answer", ["550 5.1.1 user unknown", "450 4.2.0 greylisted"])
def test_a_recipient_that_is_refused_keeps_the_mail_from_nobody_else(
    server: MailServer, account: Account, answer: str, silently: bool
) -> None:
    sent = mail(account, refusing(server, "bob@", answer))
    # As with smtplib, whose sendmail() goes well where one recipient is taken.
    assert send(sent, fail_silently=silently) == 1
    assert [taken.recipients for taken in server.taken] == [["ann@example.com"], ["cy@example.com"]]
    # Nobody is told who would send it once more, so that one has failed for now, too.
    (event,) = Event.objects.filter(type="failure")
    assert (event.message, event.data["code"]) == (sent.tracked_messages[1], int(answer[:3]))


@pytest.mark.parametrize("silently", [False, True])
def test_a_mail_that_nobody_may_get_is_told_with_every_refusal(
    server: MailServer, account: Account, silently: bool
) -> None:
    sent = mail(account, refusing(server, "@example.com>", "550 5.1.1 user unknown"), from_email="shop@example.net")
    if silently:
        assert send(sent, fail_silently=True) == 0
    else:
        with pytest.raises(SMTPRecipientsRefused) as refused:
            send(sent)
        assert refused.value.recipients.keys() == {"ann@example.com", "bob@example.com", "cy@example.com"}
    failed = Event.objects.filter(type="failure").values_list("message", flat=True)
    assert set(failed) == {message.pk for message in sent.tracked_messages}


def test_what_is_refused_silently_has_failed_all_the_same(server: MailServer, account: Account) -> None:
    server.refuses["DATA"] = ("", "451 4.3.0 come again")
    assert send(mail(account), fail_silently=True) == 0
    assert Event.objects.get().data["code"] == 451
    with pytest.raises(OSError, match="come again"):
        send(mail(account))
    assert Event.objects.count() == 1
