import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops.counting import hour_of
from feedbackloops.durations import about, latency_words
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState, LoopHour, Notice, OwedCount
from feedbackloops.protocol.latency import BUCKETS
from feedbackloops.words import waiting_words
from profiles.showing import when
from tests.dashboard import staff, text, url
from tests.factories import make_account, make_message, make_verified_loop, owe
from tracking.ids import new_id

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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (7200, "2 h"), (86_400, "24 h"), (259_200, "3 days")],
)
def test_durations_are_told_in_the_unit_that_suits_them(seconds: float, words: str) -> None:
    assert about(seconds) == words


@pytest.mark.parametrize(
    ("waiting", "rate", "is_more", "is_held", "words"),
    [
        (1240, 50.0, False, False, "1,240; at 50 a second, about 25 s"),
        (1240, 50.0, False, True, "1,240; once it sends again, at 50 a second, about 25 s"),
        (100_000, 50.0, True, False, "more than 100,000; at 50 a second, more than 33 min"),
        (3, 5000.0, False, False, "3; at 5,000 a second, about 1 s"),
        (3, 1 / 15, False, False, "3; at 0.067 a second, about 45 s"),
        (3, None, False, False, "3"),
        (0, 50.0, False, False, "0"),
    ],
)
def test_what_waits_is_told_with_the_time_that_sending_it_takes(
    waiting: int, rate: float | None, is_more: bool, is_held: bool, words: str
) -> None:
    assert waiting_words(waiting, rate, is_more=is_more, is_held=is_held) == words


def test_a_paused_loops_page_tells_how_long_its_backlog_takes(client: Client) -> None:
    message = make_message()
    loop = make_verified_loop(message.account, rate_limit=2, status="paused")
    owe(message, 20)
    assert "20; once it sends again, at 2 a second, about 10 s" in text(client.get(url(LOOP, "change", loop.pk)))
    started, waiting = now(), Delivery.objects.first()
    assert waiting
    Attempt.objects.create(
        id=new_id(), delivery=waiting, loop=loop, account=loop.account, number=1, started=started,
        outcome="accepted", total=4.0,
    )  # fmt: skip
    FeedbackLoop.objects.update(status="active", rate_limit=None, in_flight_limit=1)
    assert "20; at 0.25 a second, about 80 s" in text(client.get(url(LOOP, "change", loop.pk)))


def test_a_loops_page_tells_since_when_it_fails_and_what_mails_went_out(client: Client) -> None:
    loop = make_verified_loop(make_account())
    LaneState.objects.update(failing_since=now(), failing_for=86_400.0, told="failing")
    Notice.objects.create(loop=loop, recipients=["a@example.com"], subject="It fails", body="", sent=now())
    Notice.objects.create(loop=loop, recipients=["b@example.com"], subject="It fails", body="", error="Away.", tries=2)
    page = text(client.get(url(LOOP, "change", loop.pk)))
    assert "<p>No call has succeeded since " in page
    assert "The loop is stopped after another 2 days of trying. Contact and staff were told.</p>" in page
    assert "It fails; to a@example.com." in page
    assert "Not sent yet, tried twice: It fails; to b@example.com. Away." in page
