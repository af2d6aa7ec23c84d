"""What staff are shown where they may not go on."""

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


def test_strangers_and_other_addresses_get_the_plain_words(admin_client: Client, client: Client) -> None:
    for visitor, address in ((client, "/nothing"), (admin_client, "/nothing")):
        answer = visitor.get(address)
        assert answer.status_code == 404
        assert "no such page" not in answer.content.decode()


def test_a_fault_says_so_without_a_database(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.marketingsuite.faulty"
    client.raise_request_exception = False

    answer = client.get("/fault")

    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()
    assert WAY_BACK in answer.content.decode()
