import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from pytest_django import Settings

from feedbackloops.models import FeedbackLoop
from tests.factories import make_account, make_loop

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM feedbackloops_feedbackloop")
        return str(cursor.fetchone()[0])


def test_the_table_never_holds_a_secret_in_the_clear() -> None:
    loop = make_loop(make_account())

    assert loop.secret.startswith("whsec_")
    assert loop.secret not in stored()
    assert FeedbackLoop.objects.get().secret == loop.secret


def test_a_secret_written_with_an_old_key_is_read_while_that_key_is_listed(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    loop = make_loop(make_account())

    settings.ENCRYPTION_KEYS = [NEW, OLD]

    assert FeedbackLoop.objects.get().secret == loop.secret


def test_saving_writes_with_the_newest_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    loop = make_loop(make_account())
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    loop.save()

    settings.ENCRYPTION_KEYS = [NEW]

    assert FeedbackLoop.objects.get().secret == loop.secret


def test_a_key_that_is_missing_is_named_as_the_cause_and_nothing_secret_is(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    loop = make_loop(make_account())
    settings.ENCRYPTION_KEYS = [NEW]

    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS") as raised:
        FeedbackLoop.objects.get()

    assert loop.secret not in str(raised.value)
    assert OLD not in str(raised.value)


def test_keys_of_the_wrong_form_are_refused_with_what_to_do(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["short"]

    with pytest.raises(ImproperlyConfigured, match="32 random bytes"):
        make_loop(make_account())
