from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from feedbackloops.models import FeedbackLoop
from marketingsuite import reencryption
from marketingsuite.reencryption import Column, columns, reencrypt
from staff.models import SecondFactor
from tests.factories import make_account, make_loop

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def old_rows(settings: Settings) -> list[FeedbackLoop]:
    """Five loops and a second factor, written with the old key; the new one is first by now."""
    settings.ENCRYPTION_KEYS = [OLD]
    account = make_account()
    loops = [make_loop(account, previous_secret=f"whsec_{number}") for number in range(5)]
    SecondFactor.objects.create(user=User.objects.create_user("ann"), secret="BASE32")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return loops


def rotated() -> str:
    output = StringIO()
    call_command("rotate_encryption_key", stdout=output)
    return output.getvalue()


def secrets_now() -> dict[int, tuple[str, str]]:
    return {loop.pk: (loop.secret, loop.previous_secret) for loop in FeedbackLoop.objects.all()}


def test_everything_encrypted_is_found() -> None:
    assert {str(column) for column in columns()} == {
        "esp.Webhook.password",
        "esp.Webhook.signing_key",
        "feedbackloops.FeedbackLoop.secret",
        "feedbackloops.FeedbackLoop.previous_secret",
        "feedbackloops.FeedbackLoop.rsa_private_key",
        "staff.SecondFactor.secret",
    }


def test_afterwards_the_new_key_alone_reads_everything(old_rows: list[FeedbackLoop], settings: Settings) -> None:
    said = rotated()
    settings.ENCRYPTION_KEYS = [NEW]
    assert secrets_now() == {loop.pk: (loop.secret, loop.previous_secret) for loop in old_rows}
    assert SecondFactor.objects.get().secret == "BASE32"
    assert "feedbackloops.FeedbackLoop.secret: 5 written anew, 0 left as they are" in said
    assert "feedbackloops.FeedbackLoop.rsa_private_key: 0 written anew, 0 left" in said
    assert "The others can be taken out" in said


def test_a_second_run_writes_nothing() -> None:
    rotated()
    assert "FeedbackLoop.secret: 0 written anew, 5 left as they are" in rotated()


def test_one_that_was_stopped_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reencryption, "AT_ONCE", 2)
    write = reencryption._write
    sets: list[object] = []

    def stop_at_the_second(column: Column, rows: list[tuple[object, str, str]]) -> int:
        if sets:
            raise KeyboardInterrupt
        sets.append(rows)
        return write(column, rows)

    with monkeypatch.context() as patch:
        patch.setattr(reencryption, "_write", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            rotated()
    assert "FeedbackLoop.secret: 3 written anew, 2 left as they are" in rotated()


def test_a_secret_that_was_replaced_meanwhile_stays_replaced(
    monkeypatch: pytest.MonkeyPatch, old_rows: list[FeedbackLoop]
) -> None:
    write, changed = reencryption._write, old_rows[0]

    def change_first(column: Column, rows: list[tuple[object, str, str]]) -> int:
        FeedbackLoop.objects.filter(pk=changed.pk).update(secret="whsec_new")
        return write(column, rows)

    monkeypatch.setattr(reencryption, "_write", change_first)
    column = Column(FeedbackLoop, "secret")
    reencrypt(column)
    assert column.written == 4
    assert FeedbackLoop.objects.get(pk=changed.pk).secret == "whsec_new"


def test_rows_that_no_key_reads_are_named_and_the_others_are_written(old_rows: list[FeedbackLoop]) -> None:
    lost = old_rows[1].pk
    with connection.cursor() as cursor:
        cursor.execute("UPDATE feedbackloops_feedbackloop SET secret = 'garbage' WHERE id = %s", [lost])
    with pytest.raises(CommandError, match=f"FeedbackLoop.secret can't be read in the rows {lost}:") as raised:
        rotated()
    assert "garbage" not in str(raised.value)
    left = Column(FeedbackLoop, "secret")
    reencrypt(left)
    assert (left.written, left.kept, left.unreadable) == (0, 4, [lost])
