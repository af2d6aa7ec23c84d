import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoCaptureOnCommitCallbacks

from feedbackloops.models import Delivery, FeedbackLoop, LaneState, LoopStatus, ParkedEvent, TestCall
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_account, make_loop, make_message, make_verified_loop, owe
from tracking.ids import new_id

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"
DELIVERIES = "feedbackloops_delivery"


@pytest.fixture
def client() -> Client:
    return staff("feedbackloops.view_feedbackloop", "feedbackloops.change_feedbackloop")


@pytest.fixture
def viewer() -> Client:
    return staff("feedbackloops.view_feedbackloop")


def pressed(client: Client, loop: FeedbackLoop, act: str) -> Any:
    return client.post(url(LOOP, "act", loop.pk, act))


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize("act", ["check_now", "call_test", "pause", "try_now", "resume"])
def test_acts_need_the_right_to_change_and_a_post(client: Client, viewer: Client, rings: Rings, act: str) -> None:
    loop = make_verified_loop(make_account())
    LaneState.objects.filter(loop=loop).update(stopped=now())
    rings.clear()
    assert pressed(viewer, loop, act).status_code == 403
    viewer.post(url(LOOP, "changelist"), {"action": act, "_selected_action": loop.pk})
    assert client.get(url(LOOP, "act", loop.pk, act)).status_code == 405
    assert Client().post(url(LOOP, "act", loop.pk, act)).status_code == 302
    assert pressed(client, loop, "explode").status_code == 404
    loop = FeedbackLoop.objects.get()
    assert (loop.status, loop.lane.stopped is None, rings) == (LoopStatus.ACTIVE, False, [])


def test_acts_are_guarded_against_forged_requests(client: Client) -> None:
    loop, careful = make_verified_loop(make_account()), Client(enforce_csrf_checks=True)
    careful.cookies = client.cookies
    assert pressed(careful, loop, "pause").status_code == 403


def test_check_now_has_the_file_looked_for_at_once_and_for_another_day(
    client: Client, rings: Rings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    loop = make_loop(make_account(), looks_wanted_since=now() - timedelta(days=3))
    with django_capture_on_commit_callbacks(execute=True):
        answer = pressed(client, loop, "check_now")
    assert ("look", loop.pk) in rings
    assert now() - FeedbackLoop.objects.get().looks_wanted_since < timedelta(minutes=1)
    assert "We are looking for the verification file" in said(answer)


def test_a_test_call_goes_to_verified_loops_only(
    client: Client, rings: Rings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    verified, unverified = make_verified_loop(make_account(), name="V"), make_loop(make_account(), name="U")
    rings.clear()
    chosen = {"action": "call_test", "_selected_action": [verified.pk, unverified.pk]}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(url(LOOP, "changelist"), chosen)
    call = TestCall.objects.get()
    assert (call.loop, rings) == (verified, [("call_test", str(call.pk))])
    assert "Nothing was sent to “U”: that is not verified." in said(answer)


def test_a_loop_has_one_test_call_at_a_time(client: Client, rings: Rings) -> None:
    loop = make_verified_loop(make_account(), name="V")
    pressed(client, loop, "call_test")
    answer = pressed(client, loop, "call_test")
    assert TestCall.objects.count() == 1
    assert "Nothing was sent to “V”: a test call is under way already." in said(answer)


def test_pausing_leaves_disabled_loops_disabled(client: Client) -> None:
    active, disabled = make_loop(make_account()), make_loop(make_account(), status=LoopStatus.DISABLED)
    client.post(url(LOOP, "changelist"), {"action": "pause", "_selected_action": [active.pk, disabled.pk]})
    assert set(FeedbackLoop.objects.values_list("pk", "status")) == {(active.pk, "paused"), (disabled.pk, "disabled")}
    assert "only active loops" in said(pressed(client, disabled, "pause"))


def test_resuming_ends_a_stop_and_a_rest_and_rings_the_lane(
    client: Client, rings: Rings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    loop = make_verified_loop(make_account(), status=LoopStatus.PAUSED)
    state = {"stopped": now(), "stop_reason": "gone", "troubles": 9, "cooling_until": now(), "lease_number": 3}
    LaneState.objects.filter(loop=loop).update(**state)
    rings.clear()
    with django_capture_on_commit_callbacks(execute=True):
        pressed(client, loop, "resume")
    loop = FeedbackLoop.objects.get()
    lane = loop.lane
    assert (loop.status, lane.stopped, lane.stop_reason, lane.troubles, lane.cooling_until) == (
        "active",
        None,
        "",
        0,
        None,
    )
    assert lane.lease_number == 3
    assert ("deliver", loop.pk) in rings


def test_a_rest_is_ended_and_the_loop_stays_as_it_is(
    client: Client, rings: Rings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    loop = make_verified_loop(make_account())
    LaneState.objects.filter(loop=loop).update(troubles=9, cooling_until=now() + timedelta(hours=1))
    rings.clear()
    with django_capture_on_commit_callbacks(execute=True):
        pressed(client, loop, "try_now")
    lane = LaneState.objects.get()
    assert (lane.troubles, lane.cooling_until, rings) == (0, None, [("deliver", loop.pk)])


@pytest.mark.parametrize(
    ("status", "lane", "offered"),
    [
        ("active", {}, ["pause"]),
        ("active", {"troubles": 2}, ["pause"]),
        ("active", {"troubles": 5, "cooling_until": now() + timedelta(hours=1)}, ["pause", "try_now"]),
        ("active", {"troubles": 5, "cooling_until": now()}, ["pause", "try_now"]),
        ("active", {"cooling_until": now() + timedelta(hours=1)}, ["pause", "try_now"]),
        ("active", {"stopped": now(), "troubles": 5}, ["pause", "resume"]),
        ("paused", {"troubles": 5}, ["resume"]),
    ],
)
def test_the_page_offers_what_helps(client: Client, status: str, lane: dict[str, Any], offered: list[str]) -> None:
    loop = make_verified_loop(make_account(), status=status)
    LaneState.objects.filter(loop=loop).update(**lane)
    health = text(client.get(url(LOOP, "part", loop.pk, "health")))
    assert re.findall(r"/do/(\w+)/", health) == ["call_test", *offered]


def test_waking_a_lane_that_goes_well_writes_nothing() -> None:
    assert not make_loop(make_account()).lane.wake()


@pytest.mark.parametrize(
    ("act", "logged"),
    [
        ("pause", "Paused."),
        ("resume", "Resumed."),
        ("try_now", "Ended its rest."),
        ("check_now", "Looked for the verification file."),
        ("call_test", "Sent a test call."),
    ],
)
def test_what_was_pressed_is_in_the_loops_history(client: Client, rings: Rings, act: str, logged: str) -> None:
    loop = make_verified_loop(make_account())
    pressed(client, loop, act)
    assert logged in text(client.get(url(LOOP, "history", loop.pk)))


def test_what_came_to_nothing_is_not_in_the_history(client: Client, rings: Rings) -> None:
    loop = make_loop(make_account(), status=LoopStatus.PAUSED)
    pressed(client, loop, "pause")
    pressed(client, loop, "call_test")
    assert not LogEntry.objects.exists()


def test_what_is_sent_again_is_in_the_history_of_its_loop_and_no_other(client: Client, rings: Rings) -> None:
    account = make_account()
    loop, other = make_verified_loop(account), make_verified_loop(account)
    owe(make_message(account=account), 3)
    mine = list(Delivery.objects.filter(loop=loop))
    Delivery.objects.exclude(pk=mine[0].pk).update(state="given_up")
    sender = staff("feedbackloops.change_delivery")
    sender.post(url(DELIVERIES, "changelist"), {"action": "resend", "_selected_action": [each.pk for each in mine]})
    Delivery.objects.update(state="given_up")
    sender.post(url(DELIVERIES, "again", mine[0].pk))
    page = text(client.get(url(LOOP, "history", loop.pk)))
    assert "Sent 2 deliveries again." in page
    assert "Sent 1 delivery again." in page
    assert not LogEntry.objects.filter(object_id=str(other.pk)).exists()


def test_a_try_of_what_is_parked_is_logged(rings: Rings) -> None:
    parked = ParkedEvent.objects.create(event_id=new_id(), error="what?")
    sender = staff("feedbackloops.change_parkedevent")
    sender.post(url("feedbackloops_parkedevent", "changelist"), {"action": "try_again", "_selected_action": parked.pk})
    assert [(entry.object_id, entry.change_message) for entry in LogEntry.objects.all()] == [
        (str(parked.pk), "Asked for it to be tried again.")
    ]


def test_resuming_has_a_loop_that_failed_start_afresh(client: Client, rings: Rings) -> None:
    loop = make_verified_loop(make_account())
    failing = {"failing_since": now(), "failing_for": 99.0, "told": "stopped"}
    LaneState.objects.update(stopped=now(), stop_reason="failing", **failing)
    pressed(client, loop, "resume")
    lane = LaneState.objects.get()
    assert (lane.stopped, lane.failing_since, lane.failing_for, lane.told) == (None, None, 0.0, "")
