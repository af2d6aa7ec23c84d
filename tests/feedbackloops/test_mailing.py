"""What mails say, and that each is sent once, or again when it could not be."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import mailing, notices
from feedbackloops.models import Attempt, FeedbackLoop, LaneState, Notice
from tests.factories import make_account, make_verified_loop
from tracking.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def staff_to_tell(settings: Settings) -> None:
    settings.STAFF_EMAILS = ["ops@example.com"]
    settings.DASHBOARD_URL = "https://suite.example.com"


@pytest.fixture
def loop() -> FeedbackLoop:
    url = "https://customer.example/hook.php?password=secret"
    return make_verified_loop(
        make_account(), name="Shop\nSub", url=url, contact="a@customer.example, b@customer.example"
    )


def write(loop: FeedbackLoop, **state: Any) -> list[Notice]:
    values = {"failing_since": now() - timedelta(days=1), "failing_for": 86_400.0}
    LaneState.objects.update(**values | state)
    written = notices.write(LaneState.objects.select_related("loop__account").get())
    for notice in written:
        notice.save()
    return written


def attempt(loop: FeedbackLoop, outcome: str, message: str, minutes_ago: int) -> None:
    started = now() - timedelta(minutes=minutes_ago)
    Attempt.objects.create(
        id=new_id(), delivery_id=new_id(), loop=loop, account=loop.account, number=1, started=started,
        outcome=outcome, message=message,
    )  # fmt: skip


def test_the_contact_is_told_what_happened_and_what_to_do(loop: FeedbackLoop) -> None:
    attempt(loop, "server error", "The script failed (status 500).", 1)
    attempt(loop, "timed out", "It came too late.", 9)
    attempt(loop, "accepted", "The script accepted it.", 0)
    contact, _ = write(loop)
    assert contact.recipients == ["a@customer.example", "b@customer.example"]
    for words in (
        "The feedback loop “Shop\nSub” of Acme",
        "https://customer.example/hook.php?…",
        "Calls have failed since",
        "The last error: The script failed (status 500).",
        "within 3 days of trying, sending stops",
        "a status from 200 to 299, within 15 s",
    ):
        assert words in contact.body
    assert "secret" not in contact.body
    assert "suite.example.com" not in contact.body


def test_staff_are_led_to_the_loops_page_and_told_who_else_knows(loop: FeedbackLoop) -> None:
    _, staff = write(loop, stopped=now(), stop_reason="gone")
    assert f"https://suite.example.com/admin/feedbackloops/feedbackloop/{loop.pk}/change/" in staff.body
    assert "Its contact was told as well: a@customer.example, b@customer.example." in staff.body
    assert "Press Resume" in staff.body
    FeedbackLoop.objects.update(contact="")
    [staff] = write(loop)
    assert "the loop has no contact" in staff.body


def test_mails_are_sent_once(loop: FeedbackLoop, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Suite <suite@example.com>"
    written = write(loop)
    assert (mailing.send_due(), mailing.send_due()) == (2, 0)
    assert [(each.subject, each.to, each.body) for each in mail.outbox] == [
        (each.subject, each.recipients, each.body) for each in written
    ]
    sent = mail.outbox[0].message()
    assert sent["From"] == "Suite <suite@example.com>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Message-ID"].startswith(f"<loop-notice-{written[0].pk}-")
    assert sent["Message-ID"].endswith("@example.com>")
    assert "\n" not in sent["Subject"]


def test_a_mail_that_fails_holds_up_no_other_and_is_tried_again_later(
    loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = write(loop)
    deliver = EmailBackend.send_messages

    def refuse_the_first(backend: EmailBackend, messages: Any) -> int:
        if "a@customer.example" in messages[0].to:
            raise OSError("the server is away")
        return int(deliver(backend, messages))

    with monkeypatch.context() as fault:
        fault.setattr(EmailBackend, "send_messages", refuse_the_first)
        assert mailing.send_due() == 1
        assert mailing.send_due() == 0
    first.refresh_from_db()
    assert (first.sent, first.tries, first.error) == (None, 1, "OSError: the server is away")
    assert "can't be sent now: OSError: the server is away" in caplog.text
    Notice.objects.update(tried=now() - timedelta(minutes=6))
    assert mailing.send_due() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.sent
    assert (first.error, second.tries) == ("", 1)


def test_a_mail_that_could_not_be_sent_for_days_is_given_up(loop: FeedbackLoop) -> None:
    write(loop)
    Notice.objects.update(tries=mailing.MOST_TRIES, tried=now() - timedelta(days=1))
    assert mailing.send_due() == 0


def test_two_that_send_at_once_send_each_mail_once(loop: FeedbackLoop) -> None:
    for _ in range(5):
        write(loop)

    def send() -> None:
        mailing.send_due()
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mail.outbox) == 10
