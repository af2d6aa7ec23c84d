import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from feedbackloops.models import Attempt, FeedbackLoop, LaneState
from tests.dashboard import scans, staff, text, url
from tests.factories import make_account, make_verified_loop
from tracking.ids import new_id

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"


@pytest.fixture
def client() -> Client:
    return staff("feedbackloops.view_feedbackloop")


def shown(client: Client, loop: FeedbackLoop) -> str:
    return text(client.get(url(LOOP, "change", loop.pk)))


def attempt_of(loop: FeedbackLoop, **values: Any) -> Attempt:
    facts = {"delivery_id": new_id(), "outcome": "rejected", "status": 403, "number": 1, "started": now()} | values
    return Attempt.objects.create(id=new_id(), loop=loop, account=loop.account, **facts)


BLOCKED = {"outcome": "blocked", "status": 0, "message": "That address is never called."}
GONE = {"outcome": "gone", "status": 410}
ACCEPTED = {"outcome": "accepted", "status": 200}


@pytest.mark.parametrize(
    ("attempts", "words"),
    [
        ([{}] * 7, "Failing: the script refused the last 5 calls (status 403)."),
        ([ACCEPTED] + [{}] * 5, "Failing: the script refused the last 5 calls (status 403)."),
        ([{}], "Failing: the script refused the last call (status 403)."),
        ([BLOCKED] * 2, "Failing: the last 2 calls did not succeed. That address is never called."),
        ([{}, BLOCKED], "Failing: the last 2 calls did not succeed. That address is never called."),
        ([GONE], "Failing: the script refused the last call (status 410)."),
        ([ACCEPTED] + [{}] * 4, "Every event goes out as it comes."),
        ([{"delivery_id": None}] * 5, "Every event goes out as it comes."),
    ],
)
def test_list_and_page_say_that_the_last_calls_failed(
    client: Client, attempts: list[dict[str, Any]], words: str
) -> None:
    loop, other = make_verified_loop(make_account()), make_verified_loop(make_account())
    for values in attempts:
        attempt_of(loop, **values)
    goes_well = words.startswith("Every event")
    page = text(client.get(url(LOOP, "changelist")))
    assert re.search(f"text-{'green' if goes_well else 'orange'}[^>]*>{re.escape(words)}<", page)
    assert re.search(
        f"health-{'ok' if goes_well else 'trouble'}\\b.*<p>{re.escape(words)}</p>", shown(client, loop), re.DOTALL
    )
    assert "Every event goes out as it comes." in shown(client, other)


def test_failures_of_young_events_count_for_nothing_once_an_older_one_went_well(client: Client) -> None:
    loop = make_verified_loop(make_account())
    attempt_of(loop)
    LaneState.objects.filter(loop=loop).update(last_success=now())
    assert "Every event goes out as it comes." in shown(client, loop)


def test_looking_for_the_last_attempts_reads_nothing_from_end_to_end(client: Client) -> None:
    loop = make_verified_loop(make_account())
    attempt_of(loop)
    assert scans(client, url(LOOP, "changelist")) == []
    assert scans(client, url(LOOP, "change", loop.pk)) == []


@pytest.mark.parametrize(
    ("lane", "words"),
    [
        ({}, "Every event goes out as it comes."),
        (
            {"stopped": now(), "stop_reason": "gone"},
            "410 Gone. Events from now on are not kept; what waits is held. Press Resume",
        ),
        (
            {"troubles": 6, "cooling_until": now() + timedelta(hours=1), "last_trouble": "Refused."},
            "because of this: Refused.",
        ),
        ({"troubles": 6, "cooling_until": now(), "last_trouble": "Refused."}, "Trying one delivery at a time"),
    ],
)
def test_list_and_page_say_how_the_lane_stands(client: Client, lane: dict[str, Any], words: str) -> None:
    loop = make_verified_loop(make_account())
    LaneState.objects.filter(loop=loop).update(**lane)
    assert words in text(client.get(url(LOOP, "changelist")))
    assert words in shown(client, loop)


@pytest.mark.parametrize(
    ("status", "words"), [("paused", "sent once you press Resume"), ("disabled", "no new events are kept for it")]
)
def test_list_and_page_say_what_staff_decided(client: Client, status: str, words: str) -> None:
    loop = make_verified_loop(make_account(), status=status)
    assert words in text(client.get(url(LOOP, "changelist")))
    assert words in shown(client, loop)
