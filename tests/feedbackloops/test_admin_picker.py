"""Choosing the events of a loop, on the form of a new one and of one that is there."""

import json
import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops.admin.picker import rate_words
from feedbackloops.counting import hour_of
from feedbackloops.models import EventCount, FeedbackLoop
from feedbackloops.protocol.catalogue import example_of
from feedbackloops.protocol.payload import EVENT_TYPES
from profiles.models import Account
from tests.dashboard import opened, staff, submitted, text, url
from tests.factories import make_account, make_loop

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"
RIGHTS = (
    "feedbackloops.view_feedbackloop",
    "feedbackloops.change_feedbackloop",
    "feedbackloops.add_feedbackloop",
    "profiles.view_account",
)


@pytest.fixture
def client() -> Client:
    return staff(*RIGHTS)


def came(account: Account, type: str, number: int, ago: timedelta = timedelta(0)) -> None:
    hour: datetime = hour_of(now() - ago)
    EventCount.objects.create(account_id=account.pk, type=type, hour=hour, count=number)


def picker(page: str) -> str:
    return page.partition("data-picker")[2].partition('class="picker-note"')[0]


def total(page: str) -> str:
    found = re.search(r'data-total aria-live="polite">([^<]*)<', page)
    assert found
    return found[1]


def test_the_types_stand_in_groups_with_a_legend_each_and_can_be_chosen_without_a_script(client: Client) -> None:
    shown = picker(text(client.get(url(LOOP, "add"))))
    assert re.findall(r"<legend>(\w+)</legend>", shown) == ["Engagement", "Delivery", "Profiles"]
    boxes = re.findall(r'type="checkbox" name="event_types" value="(\w+)" id="(\w+)"', shown)
    assert sorted(value for value, _ in boxes) == sorted(EVENT_TYPES)
    assert all(f'<label for="{id}">' in shown for _, id in boxes)
    assert "as it was last saved" in text(client.get(url(LOOP, "add"))).partition('class="picker-note"')[2]
    account = make_account()
    form = opened(client, LOOP)
    typed = {"account": account.pk, "name": "New", "url": "https://example.com/hooks/script.php"}
    submitted(client, LOOP, form, **typed, event_types=["abuse", "click"])
    assert FeedbackLoop.objects.get().event_types == ["abuse", "click"]


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_each_type_shows_an_example_of_its_call(client: Client, type: str) -> None:
    shown = picker(text(client.get(url(LOOP, "add")))).partition(f'value="{type}"')[2].partition("picker-offer")[0]
    written = shown.replace("&quot;", '"').replace("&amp;", "&").replace("&#x27;", "'")
    assert json.dumps(example_of(type), ensure_ascii=False, indent=2) in written
    assert f"type={type}&\ntimestamp=" in written
    assert f"<summary>What the script gets: {type.capitalize()}</summary>" in shown


def test_events_of_seven_days_are_counted_and_make_calls_an_hour(client: Client) -> None:
    loop = make_loop(make_account(), event_types=["open", "click"])
    came(loop.account, "open", 168 * 1000)
    came(loop.account, "open", 168 * 1000, timedelta(days=6))
    came(loop.account, "open", 99, timedelta(days=8))
    came(loop.account, "click", 168 * 500)
    came(loop.account, "create", 7)
    came(make_account(), "open", 5)
    page = text(client.get(url(LOOP, "change", loop.pk)))
    for number in ("336,000 in the last 7 days", "84,000 in the last 7 days", "7 in the last 7 days"):
        assert number in page
    assert total(page) == "About 2,500 calls an hour to expect."


def test_what_was_ticked_and_could_not_be_saved_is_what_the_total_is_of(client: Client) -> None:
    loop = make_loop(make_account(), event_types=["open"])
    came(loop.account, "create", 168 * 20)
    form = opened(client, LOOP, loop.pk)
    page = text(submitted(client, LOOP, form, loop.pk, name="", event_types=["create"]))
    assert total(page) == "About 20 calls an hour to expect."


def test_a_new_loop_counts_once_its_account_is_known(client: Client) -> None:
    account = make_account()
    came(account, "open", 168 * 3)
    assert "once the account is chosen" in total(text(client.get(url(LOOP, "add"))))
    page = text(client.get(url(LOOP, "add"), {"account": account.pk}))
    assert "504 in the last 7 days" in page
    answer = client.get(url(LOOP, "expected"), {"account": account.pk})
    assert answer.json() == {"open": 504}


@pytest.mark.parametrize("account", ["", "x", "0", "٣", "9" * 40, "-1"])
def test_an_account_that_is_none_has_no_counts(client: Client, account: str) -> None:
    assert client.get(url(LOOP, "expected"), {"account": account}).status_code == 404
    assert "once the account is chosen" in total(text(client.get(url(LOOP, "add"), {"account": account})))


def test_nobody_learns_how_much_comes_in_for_an_account_that_is_not_theirs() -> None:
    mine, theirs = make_account(), make_account()
    came(theirs, "open", 4321)
    client = staff(*RIGHTS, accounts=[mine])
    assert client.get(url(LOOP, "expected"), {"account": theirs.pk}).status_code == 404
    assert "4,321" not in text(client.get(url(LOOP, "add"), {"account": theirs.pk}))
    viewer = staff("feedbackloops.view_feedbackloop")
    assert viewer.get(url(LOOP, "expected"), {"account": mine.pk}).status_code == 403


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (0, "No calls to expect: none of these events came in."),
        (1, "Less than one call an hour to expect."),
        (168, "About one call an hour to expect."),
        (168 * 12_345, "About 12,345 calls an hour to expect."),
    ],
)
def test_a_total_is_told_in_calls_an_hour(events: int, words: str) -> None:
    assert rate_words(events) == words


def test_the_picker_asks_once_however_much_came_in(client: Client) -> None:
    loop = make_loop(make_account())

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            text(client.get(url(LOOP, "change", loop.pk)))
        return sum("feedbackloops_eventcount" in each["sql"] for each in captured.captured_queries)

    few = asked()
    for type in EVENT_TYPES:
        came(loop.account, type, 5)
    assert few == asked() == 1
