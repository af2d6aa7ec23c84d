"""The steps from a saved loop to a live one, as its page shows them."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops import testcalls, verification
from feedbackloops.models import FeedbackLoop, LaneState
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_account, make_loop, make_test_call, make_verified_loop
from tests.http_server import HttpServer, ok, redirect, status

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"
RIGHTS = ("feedbackloops.view_feedbackloop", "feedbackloops.change_feedbackloop", "feedbackloops.view_delivery")
NAMES = ("saved", "placed", "verified", "tested", "live")
_STEP = re.compile(r'<li class="step step-(\w+)"(.*?)</li>', re.DOTALL)


@pytest.fixture
def client() -> Client:
    return staff(*RIGHTS)


@pytest.fixture
def viewer() -> Client:
    return staff("feedbackloops.view_feedbackloop")


@pytest.fixture
def loop(server: HttpServer) -> FeedbackLoop:
    server.behaviour = status(404)
    return make_loop(make_account(), url=server.url("/hooks/script.php"))


def source(client: Client, loop: FeedbackLoop) -> str:
    return text(client.get(url(LOOP, "part", loop.pk, "steps")))


def words(source: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source)).split())


def states(client: Client, loop: FeedbackLoop) -> list[str]:
    return [state for state, _ in _STEP.findall(source(client, loop))]


def told(client: Client, loop: FeedbackLoop) -> dict[str, str]:
    """What the page says of each step, by its name."""
    return {
        name: words(f"<li{told}") for name, (_, told) in zip(NAMES, _STEP.findall(source(client, loop)), strict=True)
    }


def look(loop: FeedbackLoop) -> None:
    loop.refresh_from_db()
    verification.look(loop)


def verify(loop: FeedbackLoop, server: HttpServer) -> None:
    server.at[f"/hooks/{loop.verification_file}"] = ok(loop.verification_content.encode())
    look(loop)
    loop.refresh_from_db()


def succeed() -> None:
    LaneState.objects.update(last_success=now())


def is_folded(client: Client, loop: FeedbackLoop) -> bool:
    return "<details" in source(client, loop)


def test_a_loop_goes_from_saved_to_live_step_by_step(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    FeedbackLoop.objects.update(status="paused")
    assert states(client, loop) == ["done", "now", "later", "later", "later"]
    assert "Nobody has looked yet." in told(client, loop)["placed"]
    verify(loop, server)
    assert states(client, loop) == ["done", "done", "done", "now", "later"]
    server.behaviour = ok()
    make_test_call(loop)
    assert states(client, loop) == ["done", "done", "done", "done", "now"]
    assert not is_folded(client, loop)
    FeedbackLoop.objects.update(status="active")
    assert states(client, loop) == ["done"] * 5
    assert is_folded(client, loop)


def test_the_one_to_do_now_is_marked_for_those_who_do_not_see_it(client: Client, loop: FeedbackLoop) -> None:
    page = source(client, loop)
    assert page.count('aria-current="step"') == 1
    assert "to do now" in told(client, loop)["placed"]


def test_before_the_file_is_seen_it_is_said_that_events_are_sent_from_then_on(
    client: Client, viewer: Client, loop: FeedbackLoop
) -> None:
    live = told(client, loop)["live"]
    assert "Real events are sent from the moment that the file is seen." in live
    assert "/do/pause/" in source(client, loop)
    assert "/do/pause/" not in source(viewer, loop)
    client.post(url(LOOP, "act", loop.pk, "pause"))
    assert "Real events are sent" not in told(client, loop)["live"]
    assert "/do/resume/" in source(client, loop)


def test_each_step_has_one_button(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    assert [len(re.findall(r"<button|<a ", step)) for _, step in _STEP.findall(source(client, loop))] == [1] * 5
    verify(loop, server)
    FeedbackLoop.objects.update(status="paused")
    assert [len(re.findall(r"<button|<a ", step)) for _, step in _STEP.findall(source(client, loop))] == [1] * 5
    assert "/do/resume/" in source(client, loop)


def test_check_now_stands_once_on_the_page(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    for _ in range(2):
        page = text(client.get(url(LOOP, "change", loop.pk)))
        assert page.count("/do/check_now/") == 1
        verify(loop, server)


def test_who_may_only_look_gets_nothing_to_press(viewer: Client, loop: FeedbackLoop) -> None:
    page = source(viewer, loop)
    assert "<form" not in page
    assert re.findall(r'href="([^"]+)"', page) == [url(LOOP, "file", loop.pk)]


def test_what_the_last_look_saw_is_told_with_its_time(client: Client, loop: FeedbackLoop) -> None:
    look(loop)
    FeedbackLoop.objects.update(looks_wanted_since=now() - timedelta(hours=1))
    step = told(client, loop)
    assert re.search(
        r"Last look on \d+ \w+ \d{4}, [\d:]+ \w+: The server says that the file is not there", step["placed"]
    )
    assert "We look by ourselves until" in step["verified"]


def test_times_are_in_the_zone_of_the_browser(client: Client, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(modified="2026-01-02T23:30:00Z")
    client.cookies["timezone"] = "Asia/Tokyo"
    assert "Last saved on 3 Jan 2026, 08:30:00 JST" in told(client, loop)["saved"]


def test_a_file_with_other_content_is_placed_and_not_verified(
    client: Client, loop: FeedbackLoop, server: HttpServer
) -> None:
    server.at[f"/{loop.verification_file}"] = ok(loop.verification_content.encode() + b" and more")
    look(loop)
    FeedbackLoop.objects.update(looks_wanted_since=now() - timedelta(hours=1))
    assert states(client, loop)[:3] == ["done", "done", "now"]
    step = told(client, loop)
    assert "Something stands there: seen on" in step["placed"]
    assert "The file holds more than it should." in step["verified"]


def test_of_two_looks_the_one_that_tells_more_is_told(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    look(loop)
    server.at[f"/{loop.verification_file}"] = redirect(f"/elsewhere/{loop.verification_file}")
    look(loop)
    assert "redirects to" in told(client, loop)["placed"]
    server.at = {f"/hooks/{loop.verification_file}": status(403)}
    look(loop)
    assert "403" in told(client, loop)["placed"]


def test_an_html_page_is_no_file(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    server.behaviour = ok(b"<!doctype html><title>Shop</title>")
    look(loop)
    assert states(client, loop)[1] == "now"
    assert "titled “Shop”" in told(client, loop)["placed"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"looks_wanted_since": now() - timedelta(days=2)}, "Nobody has looked since"),
        ({"looks_wanted_since": now() - timedelta(hours=1), "status": "disabled"}, "Nobody has looked since"),
    ],
)
def test_looks_that_do_not_come_are_told(
    client: Client, loop: FeedbackLoop, changed: dict[str, Any], expected: str
) -> None:
    FeedbackLoop.objects.update(**changed)
    assert expected in told(client, loop)["verified"]


def test_nobody_is_said_to_look_who_no_longer_does(client: Client, loop: FeedbackLoop) -> None:
    look(loop)
    FeedbackLoop.objects.update(looks_wanted_since=now() - timedelta(days=2))
    loop.looks.update(wanted=now() - timedelta(days=2))
    assert "and no longer do" in told(client, loop)["verified"]
    FeedbackLoop.objects.update(status="disabled")
    assert "while the loop is disabled" in told(client, loop)["verified"]


def test_a_verified_loop_says_since_when_and_for_how_long(
    client: Client, loop: FeedbackLoop, server: HttpServer, rings: Rings
) -> None:
    verify(loop, server)
    assert "It holds until the URL leads to another server, port or folder." in told(client, loop)["verified"]
    server.at.clear()
    answer = client.post(url(LOOP, "act", loop.pk, "check_now"), {"at": "steps"})
    assert answer["Location"].endswith(f"/{loop.pk}/change/#steps")
    assert "Looking for the file…" in told(client, loop)["verified"]
    look(loop)
    assert "did not find the file any more, which changes nothing" in told(client, loop)["verified"]
    assert states(client, loop)[:3] == ["done"] * 3


def test_the_answer_to_the_last_test_call_is_told(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    verify(loop, server)
    server.behaviour = status(403)
    make_test_call(loop)
    assert "403" in told(client, loop)["tested"]
    assert states(client, loop)[3] == "now"


def test_a_page_waits_for_the_answer_to_a_test_call(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    verify(loop, server)
    succeed()
    assert is_folded(client, loop)
    call = testcalls.begin(loop)
    assert "data-pending" in source(client, loop)
    assert not is_folded(client, loop)
    assert "It is about to be sent." in told(client, loop)["tested"]
    call.end(now(), outcome="accepted", message="The script accepted it.")
    assert "data-pending" not in source(client, loop)
    assert is_folded(client, loop)


def test_an_answer_from_another_place_counts_for_nothing(
    client: Client, loop: FeedbackLoop, server: HttpServer
) -> None:
    verify(loop, server)
    server.behaviour = ok()
    make_test_call(loop)
    assert states(client, loop)[3] == "done"
    loop.url = server.url("/other/script.php")
    loop.save(update_fields=["url"])
    assert states(client, loop) == ["done", "now", "later", "later", "later"]
    loop.verified_place = loop.place
    loop.save(update_fields=["verified_place"])
    assert states(client, loop)[3] == "now"


def test_real_calls_that_were_accepted_make_up_for_a_test(
    client: Client, loop: FeedbackLoop, server: HttpServer
) -> None:
    verify(loop, server)
    assert "None was delivered yet." in told(client, loop)["live"]
    succeed()
    step = told(client, loop)
    assert "accepted calls about real events" in step["tested"]
    assert "Last delivered call:" in step["live"]


def test_what_another_place_accepted_makes_up_for_nothing(client: Client, loop: FeedbackLoop) -> None:
    succeed()
    assert states(client, loop)[3] == "later"


@pytest.mark.parametrize(
    ("changed", "stopped", "expected"),
    [
        ({"status": "paused"}, None, "Paused: events are kept"),
        ({"status": "disabled"}, None, "Disabled: no new events are kept"),
        ({}, now(), "Stopped by itself on"),
    ],
)
def test_what_holds_a_loop_back_is_told_with_what_to_press(
    client: Client, changed: dict[str, str], stopped: Any, expected: str
) -> None:
    loop = make_verified_loop(make_account(), **changed)
    LaneState.objects.update(stopped=stopped, last_success=now())
    assert states(client, loop)[4] == "now"
    assert expected in told(client, loop)["live"]
    assert "Resume" in told(client, loop)["live"]


def test_the_steps_cost_a_page_no_more_with_a_long_history(client: Client, loop: FeedbackLoop) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            source(client, loop)
        return len(captured)

    look(loop)
    asked()
    few = asked()
    for _ in range(5):
        look(loop)
        testcalls.begin(loop).end(now(), outcome="rejected", message="No.")
    assert asked() == few
