"""What staff are shown where they may not go on."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.factories import make_account, make_loop

pytestmark = pytest.mark.django_db

WAY_BACK = 'href="/admin/"'


@pytest.fixture
def limited(client: Client) -> Client:
    client.force_login(User.objects.create_user("lim", is_staff=True))
    return client


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("/admin/feedbackloops/feedbackloop/", "view feedback loops"),
        ("/admin/feedbackloops/feedbackloop/add/", "add feedback loops"),
        ("/admin/tracking/message/", "view messages"),
    ],
)
def test_who_may_not_is_told_which_right_is_missing_and_led_back(limited: Client, address: str, right: str) -> None:
    answer = limited.get(address)
    page = answer.content.decode()

    assert answer.status_code == 403
    assert f"You lack the right to {right}." in page
    assert WAY_BACK in page
    assert "Whoever looks after users" in page


def test_a_page_that_is_not_there_has_the_look_of_the_dashboard(admin_client: Client) -> None:
    make_loop(make_account())
    answer = admin_client.get("/admin/nothing/at/all/")

    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()
    assert WAY_BACK in answer.content.decode()


@pytest.fixture
def faulty(client: Client, settings: Settings) -> Client:
    settings.ROOT_URLCONF = "tests.marketingsuite.faulty"
    client.raise_request_exception = False
    return client


def shown(answer: Any, status: int) -> str:
    """An error page, which has to be whole: its style is let in, and a way leads back."""
    page = str(answer.content.decode())
    assert answer.status_code == status
    assert "Marketing Suite" in page
    assert WAY_BACK in page
    assert "<script" not in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert b64encode(sha256(style.encode()).digest()).decode() in answer["Content-Security-Policy"]
    return page


def test_strangers_and_other_addresses_get_a_page_without_the_dashboard(admin_client: Client, client: Client) -> None:
    for visitor in (client, admin_client):
        page = shown(visitor.get("/nothing"), 404)
        assert "There is nothing at this address." in page
        assert "admin/nav" not in page


def test_a_fault_says_so_without_a_database(faulty: Client) -> None:
    assert "This is a fault of ours." in shown(faulty.get("/fault"), 500)


def test_while_the_database_is_away_that_is_said_and_no_more(faulty: Client) -> None:
    answer = faulty.get("/away")
    page = shown(answer, 503)
    assert "The database does not answer" in page
    assert "hunter2" not in page
    assert answer["Retry-After"] == "60"


def test_a_name_that_is_not_ours_is_told_without_being_repeated(client: Client) -> None:
    page = shown(client.get("/admin/", headers={"host": "evil.example"}), 400)
    assert "Not an address of this service" in page
    assert "evil" not in page


def test_what_cannot_be_read_is_told(admin_client: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    answer = admin_client.post("/admin/feedbackloops/feedbackloop/", {"a": "1", "b": "2", "c": "3"})
    assert "This request can’t be read" in shown(answer, 400)


def test_a_form_without_a_cookie_says_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "ann"})
    assert "Allow cookies for this address" in shown(answer, 403)


def test_a_form_that_is_too_old_is_told_within_the_dashboard() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("ann"))
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.post("/admin/logout/", {"csrfmiddlewaretoken": "b" * 32})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "The form is too old" in page
    assert "load the page anew" in page
    assert "Log out" in page


def test_a_form_from_another_address_names_the_setting() -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/admin/login/", {}, headers={"origin": "https://elsewhere.example"})
    assert "CSRF_TRUSTED_ORIGINS" in shown(answer, 403)
