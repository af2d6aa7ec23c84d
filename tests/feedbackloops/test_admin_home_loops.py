"""The list of loops, as staff come to it from home."""

import re

import pytest
from django.test import Client
from django.utils.timezone import now

from feedbackloops.models import FeedbackLoop, LaneState
from tests.dashboard import staff, text, url
from tests.factories import make_account, make_database, make_loop, make_message, make_verified_loop, owe
from tests.feedbackloops.faring import count, failing

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"
RIGHTS = ("feedbackloops.view_feedbackloop", "tracking.view_event", "feedbackloops.view_ledgerline")


@pytest.fixture
def client() -> Client:
    return staff(*RIGHTS, "feedbackloops.view_parkedevent")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("standing=failing", {"Broken"}),
        ("standing=unverified", {"New"}),
        ("standing=paused", {"Resting"}),
        ("event_type=abuse", {"Resting"}),
        ("verified=no", {"New"}),
        ("standing=nonsense", {"Broken", "New", "Resting"}),
    ],
)
def test_loops_are_narrowed_by_their_trouble_and_their_events(client: Client, query: str, names: set[str]) -> None:
    account = make_account()
    failing(account)
    make_loop(account, name="New")
    make_verified_loop(account, name="Resting", status="paused", event_types=["abuse"])

    page = text(client.get(f"{url(LOOP, 'changelist')}?{query}"))

    assert {name for name in ("Broken", "New", "Resting") if f">{name}</bdi>" in page} == names


def names_in(page: str) -> list[str]:
    return re.findall(r'<bdi class="listed-name">(.*?)</bdi>', page)


def test_loops_are_listed_worst_first_until_somebody_orders_them(client: Client) -> None:
    account = make_account()
    make_loop(account, name="1 off", status="disabled")
    make_verified_loop(account, name="2 healthy")
    make_verified_loop(account, name="3 paused", status="paused")
    make_loop(account, name="4 unverified")
    failing(account, "5 failing")
    stopped = failing(account, "6 stopped")
    LaneState.objects.filter(loop=stopped).update(stopped=now(), stop_reason="failing")
    worst_first = ["6 stopped", "5 failing", "4 unverified", "3 paused", "2 healthy", "1 off"]

    assert names_in(text(client.get(url(LOOP, "changelist")))) == worst_first
    assert names_in(text(client.get(f"{url(LOOP, 'changelist')}?o=0"))) == worst_first[::-1]
    assert names_in(text(client.get(f"{url(LOOP, 'changelist')}?o=-1")))[0] == "1 off"


def test_a_loop_that_failed_once_is_listed_among_those_that_are_well(client: Client) -> None:
    account = make_account()
    LaneState.objects.filter(loop=make_verified_loop(account, name="once")).update(failing_since=now(), troubles=1)
    make_verified_loop(account, name="paused", status="paused")
    assert names_in(text(client.get(url(LOOP, "changelist")))) == ["paused", "once"]


@pytest.mark.parametrize(
    ("values", "stopped", "word"),
    [
        ({"verified_place": "https://example.com/"}, False, "Has to be verified again"),
        ({}, False, "Active"),
        ({}, True, "Stopped"),
        ({"status": "paused"}, True, "Paused"),
        ({"status": "disabled"}, False, "Disabled"),
    ],
)
def test_one_column_says_where_a_loop_stands_in_a_word_and_why(
    client: Client, values: dict[str, str], stopped: bool, word: str
) -> None:
    loop = make_verified_loop(make_account())
    FeedbackLoop.objects.filter(pk=loop.pk).update(**values)
    LaneState.objects.filter(loop=loop).update(stopped=now() if stopped else None, stop_reason="gone")

    page = text(client.get(url(LOOP, "changelist")))

    [told] = re.findall(r'<div class="listed-stands">(.*?)</div>', page, re.DOTALL)
    words = " ".join(re.sub(r"<[^>]*>", " ", told).split())
    assert words.startswith(word)
    assert words.endswith(".")


def test_the_list_shows_how_each_loop_went(client: Client) -> None:
    message = make_message()
    loop = make_verified_loop(message.account)
    count(loop)
    owe(message, 2)

    page = text(client.get(url(LOOP, "changelist")))

    assert "Calls of the last 24 hours, 75.0 % successful" in page
    assert "600 delivered, 200 failed</title>" in page
    assert page.count("strip-none") == 23


def test_accounts_and_databases_list_the_loops_that_get_their_events() -> None:
    client = staff("feedbackloops.view_feedbackloop", "profiles.view_account", "profiles.view_database")
    account = make_account()
    named, other = make_database(account), make_database(account)
    all_of_it, of_named = make_loop(account, name="All of it"), make_loop(account, name="Of the named one")
    of_named.databases.set([named])
    make_loop(make_account(), name="Stranger")

    def listed(model: str, pk: int) -> set[str]:
        page = text(client.get(url(model, "change", pk)))
        return {name for name in (all_of_it.name, of_named.name, "Stranger") if name in page}

    assert listed("profiles_account", account.pk) == {all_of_it.name, of_named.name}
    assert listed("profiles_database", named.pk) == {all_of_it.name, of_named.name}
    assert listed("profiles_database", other.pk) == {all_of_it.name}
    blind = text(staff("profiles.view_account").get(url("profiles_account", "change", account.pk)))
    assert all_of_it.name not in blind


def test_a_loop_without_calls_is_said_to_have_none() -> None:
    loop = make_verified_loop(make_account())
    page = text(staff(*RIGHTS, "profiles.view_account").get(url("profiles_account", "change", loop.account_id)))
    assert "No calls, 0 waiting" in page
    assert "– successful" not in page
