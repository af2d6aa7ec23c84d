"""The mail door, as mail servers use it."""

import asyncio
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from marketingsuite.devstack import any_free_port
from tests.factories import make_account
from tests.tracking.returned.test_understanding import mail
from tests.tracking.test_mailin import address_of, registered
from tracking import maildoor
from tracking.maildoor import serve
from tracking.mailin import MOST_BYTES
from tracking.models import Event, UnreadMail

DOMAIN = "bounce.example.com"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def open_door(**addresses: type[SMTP]) -> Iterator[None]:
    """A door that is open meanwhile, in a loop of its own."""
    loop, end, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    work = serve(addresses, DOMAIN, ready.set, end)
    thread = threading.Thread(target=lambda: loop.run_until_complete(_ended(work)))
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()
        assert not thread.is_alive()


async def _ended(work: Any) -> None:
    await work
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def port() -> int:
    return any_free_port()


@pytest.fixture
def lmtp(port: int) -> Iterator[smtplib.LMTP]:
    with open_door(**{f"127.0.0.1:{port}": LMTP}), smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
        yield client


def test_a_bounce_that_comes_by_lmtp_makes_its_events_before_it_is_answered_for(lmtp: smtplib.LMTP) -> None:
    message = registered(make_account())
    assert lmtp.sendmail("", [address_of(message)], mail("gmail")) == {}
    assert {event.type for event in Event.objects.filter(message_id=message.pk)} == {"failure", "bounce"}
    assert lmtp.sendmail("", [address_of(message)], mail("gmail")) == {}
    assert Event.objects.count() == 2


def test_a_bounce_comes_by_smtp_and_through_a_socket_of_unix_as_well(port: int, tmp_path: Path) -> None:
    message, path = registered(make_account()), f"{tmp_path}/lmtp.sock"
    with open_door(**{f"127.0.0.1:{port}": SMTP, f"unix:{path}": LMTP}):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
            assert smtp.sendmail("", [address_of(message)], mail("gmail")) == {}
        assert Event.objects.count() == 2
        with smtplib.LMTP(path, timeout=20) as client:
            assert client.sendmail("", ["fbl@bounce.example.com"], b"Subject: hello\r\n\r\nhello\r\n") == {}
    assert UnreadMail.objects.get().envelope_to == "fbl@bounce.example.com"


def test_lmtp_has_an_answer_for_each_recipient(lmtp: smtplib.LMTP) -> None:
    lmtp.ehlo_or_helo_if_needed()
    lmtp.mail("")
    recipients = ["one@bounce.example.com", "two@BOUNCE.example.com"]
    assert [lmtp.rcpt(each)[0] for each in recipients] == [250, 250]
    lmtp.putcmd("data")
    assert lmtp.getreply()[0] == 354
    lmtp.send(b"Subject: hello\r\n\r\nhello\r\n.\r\n")
    assert [lmtp.getreply() for _ in recipients] == [(250, b"2.0.0 Kept")] * 2
    assert lmtp.noop()[0] == 250
    assert UnreadMail.objects.count() == 1


@pytest.mark.parametrize("address", ["ann@example.com", "ann@bounce.example.com.evil.example", "postmaster", "a@b@x"])
def test_mail_to_others_is_refused(address: str, lmtp: smtplib.LMTP) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        lmtp.sendmail("", [address], b"Subject: hello\r\n\r\nhello\r\n")
    assert refused.value.recipients[address][0] in (550, 553)
    assert not UnreadMail.objects.exists()


def test_while_the_database_is_away_the_mail_has_to_come_again(
    lmtp: smtplib.LMTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = registered(make_account())

    def away(*args: Any) -> None:
        raise OperationalError("the connection is closed")

    for trouble in (away, lambda *args: 1 / 0):
        with monkeypatch.context() as patched:
            patched.setattr(maildoor, "take_mail", trouble)
            with pytest.raises(smtplib.SMTPDataError) as refused:
                lmtp.sendmail("", [address_of(message)], mail("gmail"))
        assert (refused.value.smtp_code, b"closed" in refused.value.smtp_error) == (451, False)
    assert lmtp.sendmail("", [address_of(message)], mail("gmail")) == {}
    assert Event.objects.count() == 2


def test_a_database_that_hangs_is_not_waited_for_forever(lmtp: smtplib.LMTP, monkeypatch: pytest.MonkeyPatch) -> None:
    until = threading.Event()
    monkeypatch.setattr(maildoor, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(maildoor, "take_mail", lambda *args: until.wait(20))
    with pytest.raises(smtplib.SMTPDataError) as refused:
        lmtp.sendmail("", ["x@bounce.example.com"], b"Subject: hello\r\n\r\nhello\r\n")
    until.set()
    assert refused.value.smtp_code == 451


def test_a_mail_that_is_too_long_is_refused_and_long_lines_are_none(
    lmtp: smtplib.LMTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lmtp.sendmail("", ["x@bounce.example.com"], b"Subject: a\r\n\r\n" + b"x" * 100_000 + b"\r\n") == {}
    lmtp.ehlo_or_helo_if_needed()
    assert int(lmtp.esmtp_features["size"]) == MOST_BYTES
    assert lmtp.docmd("MAIL", f"FROM:<> SIZE={MOST_BYTES + 1}")[0] == 552


def test_who_comes_when_too_many_are_there_is_told_to_come_again(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maildoor, "MOST_CONNECTIONS", 2)
    with open_door(**{f"127.0.0.1:{port}": SMTP}):
        first, second = (smtplib.SMTP("127.0.0.1", port, timeout=20) for _ in range(2))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as third:
            assert third.recv(100).startswith(b"421 4.3.2")
            assert third.recv(100) == b""
        first.quit()
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as fourth:
            assert fourth.noop()[0] == 250
        second.quit()


def test_nonsense_is_answered_and_ends_nothing(lmtp: smtplib.LMTP) -> None:
    for nonsense in ("\x00\x01", "x" * 5000, "MAIL", "RCPT TO:<>", "DATA", "EHLO x", "LHLO", "VRFY ann"):
        assert lmtp.docmd(nonsense)[0] >= 250
    assert lmtp.noop()[0] == 250


def test_the_command_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVELOPE_DOMAIN", "")
    with pytest.raises(CommandError, match="Set ENVELOPE_DOMAIN"):
        call_command("mail_door", lmtp=["127.0.0.1:1"])
    monkeypatch.setattr(settings, "ENVELOPE_DOMAIN", DOMAIN)
    with pytest.raises(CommandError, match="Say where to listen"):
        call_command("mail_door")


def test_the_command_takes_mail_until_it_is_told_to_end(port: int) -> None:
    message, known = registered(make_account()), connection.settings_dict
    database = f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    own = {"ENVELOPE_DOMAIN": DOMAIN, "DATABASE_URL": database}
    command = [sys.executable, "manage.py", "mail_door", "--lmtp", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | own, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"Listening for LMTP at 127.0.0.1:{port}, for mail to {DOMAIN}\n"
        with smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
            assert client.sendmail("", [address_of(message)], mail("gmail")) == {}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert Event.objects.count() == 2
