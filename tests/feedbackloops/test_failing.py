"""Loops in which nothing succeeds: for how long that counts, who is told, and when it is stopped."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import failing, lanes
from feedbackloops.fanout import fan_out
from feedbackloops.models import Delivery, FeedbackLoop, LaneState, Notice
from tests.factories import make_events, make_message, make_verified_loop, owe
from tracking.models import Message
from tracking.statements import run

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def staff_to_tell(settings: Settings) -> None:
    settings.STAFF_EMAILS = ["ops@example.com", "night@example.com"]
    settings.DASHBOARD_URL = "https://suite.example.com"


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    """A loop with a delivery that waits, which has failed for an hour by now."""
    loop = make_verified_loop(message.account, name="Shop", contact="dev@customer.example")
    owe(message)
    fail(HOUR)
    return loop


def fail(seconds: float, **lane: Any) -> None:
    since = now() - timedelta(seconds=seconds)
    LaneState.objects.update(failing_since=since, failing_for=seconds, watched=now() - timedelta(minutes=1), **lane)


def lane() -> LaneState:
    return LaneState.objects.get()


def test_time_of_trying_counts_up(loop: FeedbackLoop) -> None:
    assert failing.watch() == 0
    assert HOUR + 60 <= lane().failing_for < HOUR + 70


@pytest.mark.parametrize(
    ("held", "resting"),
    [({"status": "paused"}, {}), ({"status": "disabled"}, {}), ({"verified_place": "elsewhere"}, {})],
)
def test_time_in_which_a_loop_is_held_does_not_count(
    loop: FeedbackLoop, held: dict[str, Any], resting: dict[str, Any]
) -> None:
    FeedbackLoop.objects.update(**held)
    failing.watch()
    assert lane().failing_for == HOUR


def test_time_in_which_a_lane_is_stopped_or_has_nothing_to_send_does_not_count(loop: FeedbackLoop) -> None:
    LaneState.objects.update(stopped=now(), stop_reason="gone", told="stopped")
    failing.watch()
    assert lane().failing_for == HOUR
    LaneState.objects.update(stopped=None)
    Delivery.objects.update(state="given_up")
    failing.watch()
    assert lane().failing_for == HOUR


def test_time_in_which_nobody_watched_counts_for_no_more_than_two_minutes(loop: FeedbackLoop) -> None:
    LaneState.objects.update(watched=now() - timedelta(days=9))
    failing.watch()
    assert lane().failing_for == HOUR + 120


def test_a_clock_that_jumps_back_takes_nothing_away(loop: FeedbackLoop) -> None:
    LaneState.objects.update(watched=now() + timedelta(hours=1))
    failing.watch()
    assert lane().failing_for == HOUR


def test_a_rest_is_part_of_trying(loop: FeedbackLoop) -> None:
    LaneState.objects.update(cooling_until=now() + timedelta(minutes=5), troubles=9)
    failing.watch()
    assert lane().failing_for > HOUR


def test_after_a_day_contact_and_staff_are_told_once_and_sending_goes_on(loop: FeedbackLoop) -> None:
    fail(DAY)
    assert (failing.watch(), failing.watch()) == (1, 0)
    assert lane().stopped is None
    contact, staff = Notice.objects.order_by("pk")
    assert (contact.recipients, staff.recipients) == (
        ["dev@customer.example"],
        ["ops@example.com", "night@example.com"],
    )
    assert contact.subject == staff.subject == "No call to “Shop” has succeeded for 24 h"


def test_after_three_days_the_loop_is_stopped_and_they_are_told_again(loop: FeedbackLoop) -> None:
    fail(DAY)
    failing.watch()
    fail(3 * DAY)
    assert (failing.watch(), failing.watch()) == (1, 0)
    assert (lane().stop_reason, lane().told) == ("failing", "stopped")
    assert lane().stopped
    assert Notice.objects.filter(subject__contains="has stopped: no call has succeeded for 3 days").count() == 2
    assert Notice.objects.count() == 4


def test_what_waits_in_a_loop_that_was_stopped_is_held_and_sent_once_it_is_resumed(
    loop: FeedbackLoop, message: Message
) -> None:
    fail(3 * DAY)
    failing.watch()
    fan_out(make_events(message))
    assert list(Delivery.objects.values_list("state", flat=True)) == ["pending"]
    assert lanes.due() == []
    lane().wake()
    lane().start_afresh()
    assert lanes.due() == [loop.pk]
    assert (lane().failing_since, lane().failing_for, lane().told) == (None, 0, "")
    assert failing.watch() == 0


def test_a_script_that_answered_410_is_told_of_as_well(loop: FeedbackLoop) -> None:
    LaneState.objects.update(stopped=now(), stop_reason="gone")
    assert (failing.watch(), failing.watch()) == (1, 0)
    assert set(Notice.objects.values_list("subject", flat=True)) == {
        "Sending to “Shop” has stopped: the script answered 410 Gone"
    }


def test_without_anybody_to_tell_the_loop_is_stopped_all_the_same_and_the_log_says_so(
    loop: FeedbackLoop, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STAFF_EMAILS = []
    FeedbackLoop.objects.update(contact="")
    fail(3 * DAY)
    failing.watch()
    assert lane().stopped
    assert not Notice.objects.exists()
    assert "Sending to “Shop” has stopped" in caplog.text


def test_the_times_are_settings(loop: FeedbackLoop, settings: Settings) -> None:
    settings.FAILING_MAIL_SECONDS = HOUR / 2
    assert failing.watch() == 1
    settings.FAILING_STOP_SECONDS = HOUR
    assert failing.watch() == 1
    assert lane().stopped


def test_two_that_watch_at_once_tell_once_and_count_once(loop: FeedbackLoop) -> None:
    fail(DAY)

    def watch() -> None:
        failing.watch()
        connection.close()

    threads = [threading.Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Notice.objects.count() == 2
    assert lane().failing_for < DAY + 70


def test_watching_looks_at_the_head_of_the_queue_and_not_at_all_of_it(loop: FeedbackLoop) -> None:
    plan = "\n".join(line for (line,) in run(f"EXPLAIN {failing._COUNT}", most=120.0, oldest=UUID(int=0)))
    # In the order of the queue, PostgreSQL has no reason to gather all of it first.
    assert "Merge Append" in plan, plan
    assert plan.count("_loop_id_next_attempt_id_idx") > 5, plan
    assert "Bitmap Heap Scan on feedbackloops_delivery" not in plan, plan
    assert "Seq Scan on feedbackloops_delivery" not in plan, plan
