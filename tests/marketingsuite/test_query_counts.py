"""No screen asks more of PostgreSQL because there is more to show."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops import backlog
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, VerificationLook
from profiles.models import Account
from screens.pages import screens
from tests.access import walking
from tests.dashboard import staff
from tests.factories import make_account, make_database, make_loop, make_message, make_profile, make_verified_loop, owe
from tracking.ids import derived_id
from tracking.models import Message

pytestmark = pytest.mark.django_db

FEW, MANY = 1, 30


@pytest.fixture
def account() -> Account:
    """An account with one of everything."""
    account = make_account()
    make_verified_loop(account, name="First")
    message = make_message(make_profile(make_database(account), email="ann@example.com"))
    add(message, FEW)
    return account


def add(message: Message, number: int) -> None:
    """So many more of everything that a screen can list."""
    account = message.account
    for _ in range(number):
        make_loop(account)
        make_profile(make_database(account), email="ann@example.com")
        staff()
        VerificationLook.objects.create(loop=FeedbackLoop.objects.filter(account=account)[0], found=False)
    owe(message, number, type="click", link=1, original="https://example.com/")
    for other in (make_message(account=account) for _ in range(number)):
        owe(other)
    deliveries = Delivery.objects.filter(account=account).order_by("pk")
    Attempt.objects.bulk_create(
        [_attempt(each, 1) for each in deliveries] + [_attempt(deliveries[0], 2 + n) for n in range(number)],
        ignore_conflicts=True,
    )
    Delivery.objects.filter(account=account).update(state="given_up", attempts=2)


def _attempt(delivery: Delivery, number: int) -> Attempt:
    facts = {"account_id": delivery.account_id, "loop_id": delivery.loop_id, "outcome": "rejected", "started": now()}
    return Attempt(id=derived_id(delivery.pk, number), delivery=delivery, number=number, **facts)


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code in (200, 302), address
    # That somebody is still there is written down once in a while.
    asked = [each["sql"] for each in captured.captured_queries if each["sql"].startswith(("SELECT", "\n", "WITH"))]
    return len([sql for sql in asked if "django_session" not in sql])


def test_every_screen_asks_as_much_for_one_row_as_for_thirty(
    admin_client: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How far back the pending deliveries reach is asked every few seconds, by whichever page comes then.
    monkeypatch.setattr(backlog, "KEPT_SECONDS", 3600.0)
    message = Message.objects.get(profile__isnull=False)
    pages = screens(account) | {f"list {each.path}": each.path for each in walking.lists({})}
    assert len(pages) > 25
    for address in pages.values():
        queries(admin_client, address)  # what is asked once for all, such as content types
    few = {name: queries(admin_client, address) for name, address in pages.items()}
    add(message, MANY - FEW)
    many = {name: queries(admin_client, address) for name, address in pages.items()}
    more = {name: (few[name], many[name]) for name in pages if many[name] != few[name]}
    assert more == {}
    assert max(many.values()) < 40


def test_a_long_list_takes_no_more_templates_than_a_short_one(admin_client: Client, account: Account) -> None:
    names = ("loops", "deliveries", "attempts", "messages", "events", "accounts", "profiles", "staff")
    pages = {name: screens(account)[name] for name in names}
    few = {name: templates(admin_client, address) for name, address in pages.items()}
    add(Message.objects.get(profile__isnull=False), MANY - FEW)
    many = {name: templates(admin_client, address) for name, address in pages.items()}
    # The link to the second page is one.
    assert {name: (few[name], many[name]) for name in names if many[name] > few[name] + 1} == {}


def test_a_loops_page_asks_for_the_loop_no_more_often_than_for_what_it_may_not_have_at_hand(
    admin_client: Client, account: Account
) -> None:
    loop = FeedbackLoop.objects.filter(account=account)[0]
    address = screens(account)["loop-first"]
    queries(admin_client, address)
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(address)
    asked = [each["sql"] for each in captured.captured_queries]
    # The second time for its private key, which no other page is to carry around.
    assert sum(f'"feedbackloops_feedbackloop"."id" = {loop.pk}' in sql for sql in asked) == 2
    assert len(asked) < 26


def templates(client: Client, address: str) -> int:
    """How many templates the page is made of: each costs a part of a millisecond."""
    client.get(address)  # what is made once for all, such as badges
    return len(client.get(address).templates)
