"""Test calls in the list of deliveries."""

import re

import pytest
from django.test import Client
from django.utils.timezone import now

from feedbackloops import testcalls
from feedbackloops.models import FeedbackLoop
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_account, make_message, make_test_call, make_verified_loop, owe
from tests.http_server import HttpServer, ok

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"
SEES = "feedbackloops.view_feedbackloop"
CHANGES = "feedbackloops.change_feedbackloop"


@pytest.fixture
def client() -> Client:
    return staff(SEES, CHANGES, "feedbackloops.view_delivery")


@pytest.fixture
def loop(rings: Rings) -> FeedbackLoop:
    return make_verified_loop(make_account())


def listed(client: Client, loop: FeedbackLoop, **query: str) -> list[str]:
    page = text(client.get(url(LOOP, "deliveries", loop.pk), query))
    return re.findall(r'data-row="([^"]+)"', page)


def test_test_calls_stand_among_the_deliveries_marked_as_tests(client: Client, server: HttpServer) -> None:
    loop = make_verified_loop(make_account(), url=server.url("/"))
    message = make_message(account=loop.account)
    owe(message)
    server.behaviour = ok()
    call = make_test_call(loop, event_type="click")
    owe(message)
    rows = listed(client, loop)
    assert (len(rows), rows.index(str(call.pk))) == (3, 1)
    page = text(client.get(url(LOOP, "deliveries", loop.pk)))
    row = page.partition(f'data-row="{call.pk}"')[2].partition("</tr>")[0]
    assert "Test call" in row
    assert url(LOOP, "test_call", loop.pk, call.pk) in row


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"which": "tests"}, True),
        ({"which": "waiting"}, False),
        ({"which": "delivered"}, False),
        ({"type": "click"}, True),
        ({"type": "open"}, False),
        ({"which": "tests", "outcome": "rejected"}, True),
        ({"outcome": "gone"}, False),
        ({"who": "ann@example.com"}, True),
        ({"who": "bo@example.com"}, False),
        ({"since": "2020-01-01T00:00"}, True),
        ({"until": "2020-01-01T00:00"}, False),
    ],
)
def test_the_filters_of_the_list_hold_for_test_calls(
    client: Client, loop: FeedbackLoop, query: dict[str, str], found: bool
) -> None:
    call = testcalls.begin(loop, event_type="click")
    call.end(now(), outcome="rejected")
    assert (str(call.pk) in listed(client, loop, **query)) is found


def test_each_test_call_stands_on_one_page_of_the_list(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedbackloops.admin.sections.finding.SHOWN", 2)
    message, calls = make_message(account=loop.account), []
    for _ in range(4):
        owe(message)
        call = testcalls.begin(loop)
        call.end(now(), outcome="rejected")
        calls.append(str(call.pk))
    first = text(client.get(url(LOOP, "deliveries", loop.pk)))
    after = re.search(r"after=([0-9a-f-]+)", first)
    assert after
    seen = [*listed(client, loop), *listed(client, loop, after=after[1])]
    assert sorted(set(calls) & set(seen)) == sorted(calls)
    assert len(seen) == len(set(seen)) == 8
