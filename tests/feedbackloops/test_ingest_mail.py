import json
import os
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError, InternalError, OperationalError, ProgrammingError
from standardwebhooks import Webhook

from feedbackloops.management.commands import ingest_mail
from tests.factories import make_database, make_message, make_profile, make_verified_loop
from tests.tracking.returned.test_understanding import MAILS
from tracking.mailin import Reading, take_mail
from tracking.models import Event, UnreadMail

ID = "019d38e3-2a10@shop.example.com"


def run(raw: bytes, *words: str, **env: str) -> "subprocess.CompletedProcess[bytes]":
    """The command as a mail server's pipe runs it."""
    command = [sys.executable, "manage.py", "ingest_mail", *words]
    environment = {**os.environ, "DATABASE_URL": _database_url(), **env}
    return subprocess.run(
        command, input=raw, capture_output=True, cwd=settings.BASE_DIR, env=environment, timeout=90, check=False
    )


def _database_url() -> str:
    from django.db import connection

    found: dict[str, Any] = connection.settings_dict
    login = f"{found['USER']}:{found['PASSWORD']}".rstrip(":")
    return f"postgresql://{login}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


@pytest.mark.django_db(transaction=True)
def test_a_pipe_of_the_mail_server_hands_over_a_mail() -> None:
    message = make_message(internet_message_id=ID)
    done = run((MAILS / "postfix.eml").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [f"failure of message {message.pk}", f"bounce of message {message.pk}"]
    assert set(Event.objects.values_list("type", flat=True)) == {"failure", "bounce"}


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_the_mail_server_is_to_try_again() -> None:
    done = run(b"Subject: hi\n\n", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 75
    assert b"try again later" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.django_db(transaction=True)
def test_new_mails_of_a_maildir_are_taken_and_marked_as_seen(tmp_path: Path) -> None:
    make_message(internet_message_id=ID)
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "new" / "1.host").write_bytes((MAILS / "gmail.eml").read_bytes())
    (tmp_path / "new" / "2.host").write_bytes(b"\0\xff nothing")
    (tmp_path / "cur" / "3.host:2,S").write_bytes((MAILS / "arf-yahoo.eml").read_bytes())
    for _ in range(2):
        call_command("ingest_mail", "--maildir", str(tmp_path), stdout=StringIO())
    assert sorted(Event.objects.values_list("type", flat=True)) == ["bounce", "failure"]
    assert UnreadMail.objects.count() == 1
    assert list((tmp_path / "new").iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "cur").iterdir()) == ["1.host:2,S", "2.host:2,S", "3.host:2,S"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "odd", [b"Content-Type: multipart/mixed\n\nhello\xff", b"\xff: b\n\nx", b"Content-Type: message/rfc822\n\n" * 3000]
)
def test_a_mail_that_python_can_not_write_stops_none_behind_it_and_stays_as_it_is(odd: bytes, tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "new" / "1.host").write_bytes(odd)
    (tmp_path / "new" / "2.host").mkdir()
    (tmp_path / "new" / "3.host").write_bytes(b"Subject: hi\n\n")
    with pytest.raises(CommandError, match=r"could not be taken \(1\): 2\.host") as told:
        call_command("ingest_mail", "--maildir", str(tmp_path), stdout=StringIO())
    assert told.value.returncode == 66
    assert [bytes(mail.raw) for mail in UnreadMail.objects.order_by("pk")] == [odd, b"Subject: hi\n\n"]
    assert (tmp_path / "cur" / "1.host:2,S").read_bytes() == odd
    assert (tmp_path / "cur" / "3.host:2,S").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [RuntimeError, DataError, IntegrityError])
def test_a_mail_that_can_not_be_taken_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: type[Exception]
) -> None:
    message = make_message(internet_message_id=ID)
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "new" / "1.odd").write_bytes(b"odd")
    (tmp_path / "new" / "2.host").write_bytes((MAILS / "postfix.eml").read_bytes())

    def odd(raw: bytes, envelope_to: Sequence[str]) -> Reading:
        if raw == b"odd":
            raise fault("What a private mail says")
        return take_mail(raw, envelope_to)

    monkeypatch.setattr(ingest_mail, "take_mail", odd)
    with pytest.raises(CommandError, match=r"could not be taken \(1\): 1\.odd$"):
        call_command("ingest_mail", maildir=str(tmp_path), stdout=StringIO())
    assert Event.objects.filter(message=message).count() == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["1.odd"]
    assert "1.odd" in caplog.text
    assert fault is RuntimeError or "private" not in caplog.text


@pytest.mark.parametrize("fault", [OperationalError, InternalError, ProgrammingError])
def test_a_database_that_takes_no_mail_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    asked: list[bytes] = []

    def refuse(raw: bytes, envelope_to: Sequence[str]) -> Reading:
        asked.append(raw)
        raise fault("cannot execute INSERT in a read-only transaction")

    (tmp_path / "new").mkdir()
    for name in ("1", "2"):
        (tmp_path / "new" / name).write_bytes(b"any")
    monkeypatch.setattr(ingest_mail, "take_mail", refuse)
    with pytest.raises(CommandError) as told:
        call_command("ingest_mail", maildir=str(tmp_path), stdout=StringIO())
    assert told.value.returncode == 75
    assert asked == [b"any"]


@pytest.mark.django_db
def test_a_dry_run_shows_the_message_and_the_exact_posts_and_records_nothing() -> None:
    profile = make_profile(make_database(), firstname="Ann", city="Utrecht")
    message = make_message(profile, internet_message_id=ID, tags=["spring"])
    loop = make_verified_loop(
        message.account,
        name="Bounces",
        url="https://example.com/hooks/script.php?key=1",
        event_types=["failure"],
        only_fields=["firstname"],
    )
    out = StringIO()
    call_command("ingest_mail", "--dry-run", str(MAILS / "gmail.eml"), stdout=out)
    shown = out.getvalue()
    assert "The mail is: failed" in shown
    assert f"It is about message {message.pk} to ann@example.com" in shown
    assert "\ngoes to Bounces (https://example.com/hooks/script.php?key=1). Signed as of now" in shown
    head, _, body = shown.partition("\nPOST ")[2].partition("\n\n")
    assert head.startswith("/hooks/script.php?key=1 HTTP/1.1\nHost: example.com\nDate: ")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    posted = body.partition("\n")[0]
    assert posted.startswith("type=failure&timestamp=")
    assert f"&id={message.pk}&recipient=ann%40example.com&tags%5B%5D=spring&" in posted
    assert "fields%5Bfirstname%5D=Ann&" in posted
    assert "city" not in posted
    assert "code=550&extended=5.1.1&" in posted
    assert headers["Content-Length"] == str(len(posted))
    signed = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    # Once the signature is found right, the library reads the body as JSON, which a form is not.
    with pytest.raises(json.JSONDecodeError):
        Webhook(loop.secret).verify(posted, signed)
    assert "goes to no loop: none asks for it." in shown
    assert '{"type":"bounce",' in shown
    assert not Event.objects.filter(message=message).exists()
    assert not UnreadMail.objects.exists()


@pytest.mark.django_db
def test_a_dry_run_of_what_nobody_understands_says_so(tmp_path: Path) -> None:
    (tmp_path / "odd.eml").write_bytes(b"\xff\0")
    out = StringIO()
    call_command("ingest_mail", "--dry-run", str(tmp_path / "odd.eml"), stdout=out)
    assert "No event comes of it. It is no report that we know, and names no message." in out.getvalue()


@pytest.mark.parametrize("words", [["--dry-run", "/no/such.eml"], ["--maildir", "/no/such/folder"]])
def test_what_is_not_there_is_named(words: list[str]) -> None:
    with pytest.raises(CommandError, match="/no/such") as refused:
        call_command("ingest_mail", *words)
    assert refused.value.returncode == 66
