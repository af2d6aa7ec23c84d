import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops.counting import hour_of
from feedbackloops.models import FeedbackLoop, LoopHour, OwedCount
from feedbackloops.protocol.latency import BUCKETS
from feedbackloops.words import latency_words
from profiles.showing import when
from tests.dashboard import staff, text, url
from tests.factories import make_account, make_verified_loop

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"
LATENCY = [0, 0, 0, 100, *[0] * (BUCKETS - 4)]


@pytest.fixture
def client() -> Client:
    return staff("feedbackloops.view_feedbackloop")


def count(loop: FeedbackLoop, hours_ago: int) -> None:
    hour = hour_of(now()) - timedelta(hours=hours_ago)
    OwedCount.objects.create(loop_id=loop.pk, hour=hour, count=700)
    LoopHour.objects.create(loop_id=loop.pk, hour=hour, delivered=600, failed=30, given_up=2, latency=LATENCY)


def shown(client: Client, loop: FeedbackLoop) -> dict[str, str]:
    card = text(client.get(url(LOOP, "change", loop.pk))).partition("Last 24 hours")[2].partition("</dl>")[0]
    return dict(re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", card))


def test_a_loops_page_shows_what_was_counted_in_the_last_24_hours(client: Client) -> None:
    loop, other = make_verified_loop(make_account()), make_verified_loop(make_account())
    for hours_ago in (0, 23, 24):
        count(loop, hours_ago)
    count(other, 1)

    assert shown(client, loop) == {
        "Owed": "1,400",
        "Delivered": "1,200",
        "Failed attempts": "60",
        "Given up": "4",
        "From event to receipt": "half within 35 ms, 95 % within 48 ms",
        "Counted since": when(hour_of(now()) - timedelta(hours=23)),
    }


def test_a_loop_that_was_owed_nothing_shows_so(client: Client) -> None:
    facts = shown(client, make_verified_loop(make_account()))

    assert [facts[name] for name in ("Owed", "Delivered", "Failed attempts", "Given up")] == ["0"] * 4
    assert facts["From event to receipt"] == "–"


def test_a_loops_page_asks_as_much_for_many_hours_as_for_none(client: Client) -> None:
    loop = make_verified_loop(make_account())
    shown(client, loop)  # what Django looks up once a process
    with CaptureQueriesContext(connection) as none:
        shown(client, loop)
    for hours_ago in range(24):
        count(loop, hours_ago)
    with CaptureQueriesContext(connection) as many:
        shown(client, loop)

    assert len(many) == len(none)


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        (0, "half within 2 ms, 95 % within 5 ms"),
        (5, "half within 150 ms, 95 % within 195 ms"),
        (10, "half within 7.5 s, 95 % within 9.8 s"),
        (13, "half within 3 min, 95 % within 5 min"),
        (BUCKETS - 1, "half in more than an hour, 95 % in more than an hour"),
    ],
)
def test_times_are_told_in_the_unit_that_suits_them(bucket: int, words: str) -> None:
    assert latency_words([1000 if number == bucket else 0 for number in range(BUCKETS)]) == words
