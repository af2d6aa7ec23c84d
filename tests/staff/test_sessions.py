from importlib import import_module
from time import time

import pytest
from django.conf import settings as configured
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from tests.dashboard import staff, text

pytestmark = pytest.mark.django_db

PASSWORD, NEW = "a-long-one-42", "another-long-one-43"
PAGE = "/admin/password_change/"


def moved(client: Client, **seconds: int) -> None:
    """As if these notes had been made so many seconds ago."""
    session = client.session
    for name, ago in seconds.items():
        session[name] = int(time()) - ago
    session.save()


def is_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def test_a_session_ends_after_a_days_work_however_much_it_is_used(settings: Settings) -> None:
    client = staff()
    moved(client, begun=settings.SESSION_SECONDS - 60)
    assert is_in(client)
    moved(client, begun=settings.SESSION_SECONDS)
    key = client.session.session_key
    assert not is_in(client)
    assert not Session.objects.filter(pk=key).exists()


def test_a_session_ends_when_nobody_uses_it() -> None:
    client = staff()
    row = Session.objects.get()
    assert 3500 < (row.expire_date - now()).total_seconds() <= 3600
    Session.objects.update(expire_date=now())
    assert not is_in(client)


def test_what_a_page_fetches_by_itself_does_not_make_a_session_last() -> None:
    client = staff()
    moved(client, used=61)
    before = Session.objects.get().expire_date
    client.get(PAGE, HTTP_X_BY_ITSELF="1")
    assert Session.objects.get().expire_date == before


def test_using_a_session_makes_it_last_and_is_noted_once_a_minute() -> None:
    client = staff()
    before = Session.objects.get().expire_date
    client.get(PAGE)
    assert Session.objects.get().expire_date == before
    moved(client, used=61)
    Session.objects.update(expire_date=before)
    client.get(PAGE)
    assert Session.objects.get().expire_date > before


def test_a_session_from_before_there_were_limits_begins_now() -> None:
    client = staff()
    session = client.session
    del session["begun"]
    session.save()
    assert is_in(client)
    assert time() - client.session["begun"] < 60


def test_the_cookie_goes_when_the_browser_is_closed_and_no_script_reads_it() -> None:
    User.objects.create_user("ann", password=PASSWORD, is_staff=True)
    cookie = Client().post("/admin/login/", {"username": "ann", "password": PASSWORD}).cookies["sessionid"]
    assert (cookie["expires"], cookie["max-age"], cookie["httponly"], cookie["samesite"]) == ("", "", True, "Lax")


def test_a_new_password_ends_the_other_sessions_and_is_in_the_log() -> None:
    user = User.objects.create_user("ann", password=PASSWORD, is_staff=True)
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.force_login(user)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert here.post(PAGE, form).status_code == 302
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    assert LogEntry.objects.get().change_message == "Changed the own password."


@pytest.mark.parametrize("password", ["short1", "password123", "1234567890123", "christopher-ann"])
def test_a_password_that_is_easily_guessed_is_refused(password: str) -> None:
    user = User.objects.create_user("christopher-ann", password=PASSWORD, is_staff=True)
    client = Client()
    client.force_login(user)
    form = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    assert "This password is" in text(client.post(PAGE, form)) or "too similar" in text(client.post(PAGE, form))
    assert User.objects.get().check_password(PASSWORD)
    assert not LogEntry.objects.exists()


def test_whoever_is_made_inactive_is_out_at_once() -> None:
    client = staff()
    User.objects.update(is_active=False)
    assert not is_in(client)


def test_a_login_deletes_sessions_that_have_ended() -> None:
    store = import_module(configured.SESSION_ENGINE).SessionStore
    old = store()
    old.save()
    Session.objects.update(expire_date=now())
    staff()
    assert not Session.objects.filter(pk=old.session_key).exists()


def test_strangers_have_no_session() -> None:
    Client().get("/admin/login/")
    assert not Session.objects.exists()
