import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops import backlog
from feedbackloops.admin.home import home_of
from feedbackloops.durations import success_words
from feedbackloops.looplines import waiting_number
from feedbackloops.models import Delivery, LedgerLine, ParkedEvent
from feedbackloops.overview import MOST_WAITING, Waiting
from tests.dashboard import scans, staff, text, url
from tests.factories import make_account, make_loop, make_message, make_profile, make_verified_loop, owe
from tests.feedbackloops.faring import count, failing
from tracking.ids import new_id

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"
RIGHTS = ("feedbackloops.view_feedbackloop", "tracking.view_event", "feedbackloops.view_ledgerline")


@pytest.fixture
def client() -> Client:
    return staff(*RIGHTS, "feedbackloops.view_parkedevent")


def figures(page: str) -> list[str]:
    return re.findall(r'<dd class="home-figure[^>]*>(.*?)</dd>', page)


def test_home_shows_the_last_day_in_figures_and_charts(client: Client) -> None:
    message = make_message()
    loop = make_verified_loop(message.account)
    owe(message, 5)
    for hours_ago in (0, 23, 24):
        count(loop, hours_ago)

    page = text(client.get("/admin/"))

    assert figures(page) == ["5", "75.0 %", "35 ms", "5"]
    assert "1,200 delivered, 400 calls failed" in page
    assert page.count("<title>") >= 1 + 24 + 24
    assert "Delivered 600, Failed 200</title>" in page
    assert "the oldest was due" in page


def test_home_says_first_what_is_in_trouble_and_why(client: Client) -> None:
    account = make_account()
    failing(account)
    make_loop(account)
    make_verified_loop(account, status="paused")
    LedgerLine.objects.create(
        day=now().date(),
        loop_id=1,
        account=account,
        owed=3,
        delivered=1,
        pending=0,
        given_up=0,
        cancelled=0,
        counted=now(),
    )
    ParkedEvent.objects.create(event_id=new_id(), error="odd")

    page = text(client.get("/admin/"))

    assert page.index("Needs a hand") < page.index("home-tiles")
    assert "Trying one delivery at a time because of this: The script answered 500." in page
    for words in ("1 loop is not verified", "1 loop is paused", "1 line of the ledger does not balance"):
        assert words in page
    assert "1 event could not be fanned out" in page
    assert f"{url(LOOP, 'changelist')}?standing=unverified" in page


def test_home_is_calm_where_all_is_well(client: Client) -> None:
    make_verified_loop(make_account())
    page = text(client.get("/admin/"))
    assert "All loops send normally" in page
    assert "Needs a hand" not in page


def test_home_invites_to_make_the_first_loop_those_who_may(client: Client) -> None:
    page = text(client.get("/admin/"))
    assert "No loops yet" in page
    assert "Make the first loop" not in page
    assert "Make the first loop" in text(staff(*RIGHTS, "feedbackloops.add_feedbackloop").get("/admin/"))


def test_staff_limited_to_accounts_see_only_theirs_in_each_figure() -> None:
    mine, others = make_message(), make_message()
    for message in (mine, others):
        loop = make_verified_loop(message.account)
        owe(message, 3)
        count(loop)
        failing(message.account, f"Broken of {message.account.name}")
    client = staff(*RIGHTS, accounts=[mine.account])

    page = text(client.get("/admin/")) + text(client.get("/admin/last-events/"))

    assert figures(page) == ["3", "75.0 %", "35 ms", "3"]
    assert mine.account.name in page
    assert others.account.name not in page


def test_the_last_events_are_fetched_alone_and_the_newest_come_first(client: Client) -> None:
    message = make_message()
    owe(message, 12, original="https://example.com/sale")

    page = text(client.get("/admin/last-events/"))

    assert "<html" not in page
    rows = re.findall(r'data-row="([^"]+)"', page)
    assert len(rows) == 10
    assert rows == sorted(rows, reverse=True)
    assert "https://example.com/sale" in page
    assert page.count(message.recipient) == 10


def test_the_last_events_say_whose_profile_was_changed(client: Client) -> None:
    make_profile(email="ann@example.com")
    assert "<bdi>ann@example.com</bdi>" in text(client.get("/admin/last-events/"))


def test_last_events_that_a_browser_has_are_not_sent_again(client: Client) -> None:
    message = make_message()
    owe(message)
    first = client.get("/admin/last-events/")
    again = {"If-None-Match": first["ETag"]}
    assert client.get("/admin/last-events/", headers=again).status_code == 304
    owe(message)
    assert client.get("/admin/last-events/", headers=again).status_code == 200


def test_who_may_not_see_loops_or_events_does_not(client: Client) -> None:
    owe(make_message())
    assert staff("tracking.view_event").get("/admin/last-events/").status_code == 403
    assert "Last events" not in text(staff("feedbackloops.view_feedbackloop").get("/admin/"))
    assert "data-row" not in text(staff("feedbackloops.view_feedbackloop").get("/admin/last-events/"))
    assert Client().get("/admin/last-events/")["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("address", ["/admin/", f"/admin/{LOOP.replace('_', '/')}/"])
def test_pages_ask_as_often_for_thirty_loops_as_for_one(
    client: Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "KEPT_SECONDS", 3600.0)
    message = make_message()
    failing(message.account)
    owe(message)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        text(client.get(address))
    for number in range(30):
        count(failing(message.account, f"Broken {number}"))
        owe(make_message(account=message.account))

    with CaptureQueriesContext(connection) as many:
        text(client.get(address))

    assert len(many) == len(few)


def test_home_reads_no_table_of_the_history_from_end_to_end(client: Client) -> None:
    message = make_message()
    failing(message.account)
    owe(message)
    assert not scans(client, "/admin/")


@pytest.mark.parametrize(
    ("delivered", "failed", "words"), [(0, 0, "–"), (3, 1, "75.0 %"), (9, 0, "100 %"), (99_999, 1, "99.9 %")]
)
def test_what_is_not_all_is_not_called_all(delivered: int, failed: int, words: str) -> None:
    assert success_words(delivered, failed) == words


def test_a_long_queue_is_counted_up_to_a_point() -> None:
    message = make_message()
    loop = make_verified_loop(message.account)
    assert waiting_number(Waiting(MOST_WAITING + 1, now())) == "over 1,000"
    assert waiting_number(None) == "0"
    owe(message)
    Delivery.objects.filter(loop=loop).update(next_attempt=now() + timedelta(hours=1))
    assert home_of(staff_user(), now()).tiles[3].words == "none is due yet"


def staff_user() -> object:
    return staff(*RIGHTS).get("/admin/").wsgi_request.user
