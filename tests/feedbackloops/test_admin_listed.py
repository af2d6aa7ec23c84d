import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops.admin.sections import finding
from feedbackloops.models import Delivery, FeedbackLoop, Resend
from tests.dashboard import scans, staff, text, url
from tests.factories import make_account, make_loop, make_message, make_verified_loop, owe
from tracking.ids import first_id_at

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"
SEES = ("feedbackloops.view_feedbackloop", "feedbackloops.view_delivery")
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
STEERS = (*SEES, "feedbackloops.change_delivery")


@pytest.fixture
def client() -> Client:
    return staff(*STEERS)


@pytest.fixture
def loop() -> FeedbackLoop:
    return make_verified_loop(make_account())


def listed(client: Client, loop: FeedbackLoop, **asked: Any) -> str:
    return text(client.get(url(LOOP, "deliveries", loop.pk), asked))


def rows(client: Client, loop: FeedbackLoop, **asked: Any) -> list[UUID]:
    return [UUID(id) for id in re.findall(r'data-row="([^"]+)"', listed(client, loop, **asked))]


def ids_of(loop: FeedbackLoop) -> list[UUID]:
    return list(Delivery.objects.filter(loop=loop).order_by("-pk").values_list("pk", flat=True))


def put(ids: list[UUID], **values: Any) -> None:
    Delivery.objects.filter(pk__in=ids).update(**values)


def test_the_newest_come_first_and_the_page_has_the_same_list_without_a_script(
    client: Client, loop: FeedbackLoop
) -> None:
    owe(make_message(account=loop.account), 3)
    assert rows(client, loop) == ids_of(loop)
    page = text(client.get(url(LOOP, "change", loop.pk)))
    assert [UUID(id) for id in re.findall(r'data-row="([^"]+)"', page)] == ids_of(loop)


def test_what_is_not_this_loops_is_not_listed(client: Client, loop: FeedbackLoop) -> None:
    other = make_verified_loop(loop.account)
    owe(make_message(account=loop.account))
    assert rows(client, loop) == ids_of(loop)
    assert rows(client, loop, who=str(ids_of(other)[0])) == []


def test_an_unchanged_list_is_not_sent_twice(client: Client, loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account))
    first = client.get(url(LOOP, "deliveries", loop.pk))
    again = {"If-None-Match": first["ETag"]}
    assert client.get(url(LOOP, "deliveries", loop.pk), headers=again).status_code == 304
    owe(make_message(account=loop.account))
    assert client.get(url(LOOP, "deliveries", loop.pk), headers=again).status_code == 200


STANDS: dict[str, dict[str, Any]] = {
    "waiting": {"state": "pending", "outcome": ""},
    "retrying": {"state": "pending", "outcome": "timed out", "attempts": 2},
    "given_up": {"state": "given_up", "outcome": "rejected", "attempts": 13},
    "delivered": {"state": "delivered", "outcome": "accepted", "attempts": 1},
    "cancelled": {"state": "cancelled", "outcome": "timed out", "attempts": 1},
}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"which": "waiting"}, {"waiting", "retrying"}),
        ({"which": "retrying"}, {"retrying"}),
        ({"which": "given_up"}, {"given_up"}),
        ({"which": "delivered"}, {"delivered"}),
        ({"which": "cancelled"}, {"cancelled"}),
        ({"outcome": "timed out"}, {"retrying", "cancelled"}),
        ({"outcome": "timed out", "which": "retrying"}, {"retrying"}),
        ({"outcome": "timed out", "which": "delivered"}, set()),
        ({"type": "open"}, set(STANDS)),
        ({"type": "click"}, set()),
        ({"who": "ANN@example.com"}, set(STANDS)),
        ({"who": "bob@example.com"}, set()),
        ({"who": "ann@example.com", "which": "retrying"}, {"retrying"}),
        ({"who": "ann@example.com", "which": "waiting"}, {"waiting", "retrying"}),
        ({"who": "ann@example.com", "outcome": "rejected", "type": "open"}, {"given_up"}),
        ({"which": "nonsense", "type": "nonsense", "outcome": "nonsense", "after": "nonsense"}, set(STANDS)),
    ],
)
def test_the_list_is_filtered(client: Client, loop: FeedbackLoop, asked: dict[str, str], found: set[str]) -> None:
    owe(make_message(account=loop.account), len(STANDS))
    by_name = dict(zip(STANDS, ids_of(loop), strict=True))
    for name, id in by_name.items():
        put([id], **STANDS[name])
    assert set(rows(client, loop, **asked)) == {by_name[name] for name in found}


def test_the_list_is_filtered_by_the_time_of_the_events(client: Client, loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account))
    [id] = ids_of(loop)
    hour = timedelta(hours=1)
    assert rows(client, loop, since=f"{now() - hour:%Y-%m-%dT%H:%M}") == [id]
    assert rows(client, loop, until=f"{now() + hour:%Y-%m-%dT%H:%M:%S}") == [id]
    assert rows(client, loop, since=f"{now() + hour:%Y-%m-%dT%H:%M}") == []
    assert rows(client, loop, until=f"{now() - hour:%Y-%m-%dT%H:%M}") == []


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_time_that_is_none_is_told_and_left_out(client: Client, loop: FeedbackLoop, text: str) -> None:
    owe(make_message(account=loop.account))
    page = listed(client, loop, since=text)
    assert f"“{text}” is not a date and time" in page
    assert rows(client, loop, since=text) == ids_of(loop)


def next_page(client: Client, page: str, loop: FeedbackLoop) -> str:
    [query] = re.findall(r'href="\?([^"]*after=[^"]*)#deliveries"', page)
    return text(client.get(f"{url(LOOP, 'deliveries', loop.pk)}?{query.replace('&amp;', '&')}"))


@pytest.mark.parametrize(
    ("asked", "values"), [({}, {}), ({"which": "waiting"}, {}), ({"which": "given_up"}, {"state": "given_up"})]
)
def test_pages_follow_each_other_without_a_gap(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], values: dict[str, Any]
) -> None:
    monkeypatch.setattr(finding, "SHOWN", 2)
    owe(make_message(account=loop.account), 5)
    put(ids_of(loop), next_attempt=now(), **values)
    page, found = listed(client, loop, **asked), []
    for count in (2, 2, 1):
        ids = re.findall(r'data-row="([^"]+)"', page)
        assert len(ids) == count
        found += ids
        page = next_page(client, page, loop) if len(found) < 5 else page
    assert sorted(found) == sorted(map(str, ids_of(loop)))
    assert ">More<" not in page


def test_what_no_index_tells_is_looked_for_in_so_many_and_can_be_looked_for_further_back(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LOOKED_AT", 3)
    owe(make_message(account=loop.account), 5)
    put(ids_of(loop)[-1:], state="delivered")
    page = listed(client, loop, which="delivered")
    assert "data-row" not in page
    assert "Of the 3 deliveries back to" in page
    assert f'data-row="{ids_of(loop)[-1]}"' in next_page(client, page, loop)


def test_nothing_is_read_from_end_to_end_whatever_is_asked_for(client: Client, loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account), 3)
    put(ids_of(loop)[:1], **STANDS["given_up"])
    for asked in ({}, *({"which": each} for each in STANDS), {"outcome": "rejected"}, {"type": "open"}):
        assert scans(client, url(LOOP, "deliveries", loop.pk), **asked) == [], asked


def asked_of_postgresql(client: Client, loop: FeedbackLoop, **query: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        listed(client, loop, **query)
    return len(queries)


@pytest.mark.parametrize("asked", [{}, {"which": "waiting"}, {"type": "open"}, {"outcome": "rejected"}])
def test_many_deliveries_take_as_many_questions_as_one(
    client: Client, loop: FeedbackLoop, asked: dict[str, str]
) -> None:
    message = make_message(account=loop.account)
    owe(message)
    put(ids_of(loop), outcome="rejected")
    few = asked_of_postgresql(client, loop, **asked)
    owe(message, 20)
    owe(make_message(account=loop.account), 20)
    put(ids_of(loop), outcome="rejected")
    assert asked_of_postgresql(client, loop, **asked) == few <= 14


def test_a_retry_is_counted_down_and_its_moment_stands_there_without_a_script(
    client: Client, loop: FeedbackLoop
) -> None:
    owe(make_message(account=loop.account), 2)
    soon, due = ids_of(loop)
    put([soon], next_attempt="2050-03-04T05:06:07Z")
    page = listed(client, loop)
    assert re.search(r'datetime="2050-03-04T05:06:07\+00:00" data-countdown="in %s"[^>]*>4 Mar, 05:06:07<', page)
    assert "due now" in page.split(str(due), 1)[1]
    FeedbackLoop.objects.update(status="paused")
    held = listed(client, loop)
    assert "Nothing is sent at the moment: the loop is paused." in held
    assert "data-countdown" not in held


@pytest.mark.parametrize(
    ("asked", "words"),
    [({}, "No deliveries yet"), ({"which": "given_up"}, "No delivery fits"), ({"after": "AFTER"}, "no older ones")],
)
def test_an_empty_list_says_why(client: Client, asked: dict[str, str], words: str) -> None:
    after = {name: str(first_id_at(now())) for name in asked if name == "after"}
    assert words in listed(client, make_loop(make_account()), **asked | after)


def test_what_is_being_sent_again_shows_how_far_it_is(client: Client, loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account))
    facts: dict[str, Any] = {"loop": loop, "since": now(), "until": now(), "states": ["given_up"]}
    running = Resend.objects.create(**facts, after=first_id_at(now()), expected=200, count=50)
    assert re.search(r'<progress max="100" value="25"', listed(client, loop))
    Resend.objects.filter(pk=running.pk).update(expected=None)
    assert re.search(r'<progress max="100" aria', listed(client, loop))
    Resend.objects.filter(pk=running.pk).update(finished=now())
    assert "<progress" not in listed(client, loop)


def test_an_event_that_is_gone_from_the_history_leaves_its_delivery_in_the_list(
    client: Client, loop: FeedbackLoop
) -> None:
    owe(make_message(account=loop.account))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tracking_event")
    assert rows(client, loop) == ids_of(loop)


def made_by_machines(page: str) -> int:
    """How many rows of the list say that a machine made the event."""
    return sum("Machine" in what for what in re.findall(r'class="live-what">(.*?)</td>', page, re.DOTALL))


def test_who_made_an_event_is_pointed_out_where_it_was_no_person(client: Client, loop: FeedbackLoop) -> None:
    message = make_message(account=loop.account)
    owe(message, useragent=PERSON)
    assert not made_by_machines(listed(client, loop))
    owe(message, useragent="curl/8.5.0")
    assert made_by_machines(listed(client, loop)) == 1


def test_the_list_can_be_narrowed_to_those_that_machines_made(client: Client, loop: FeedbackLoop) -> None:
    message = make_message(account=loop.account)
    [person], [machine] = owe(message, useragent=PERSON), owe(message, useragent="curl/8.5.0")
    by_event = {each.event_id: each.pk for each in Delivery.objects.all()}
    assert rows(client, loop, made="machine") == [by_event[machine]]
    assert rows(client, loop, made="human") == [by_event[person]]
    assert rows(client, loop, made="proxy") == []
    assert len(rows(client, loop, made="nonsense")) == 2
