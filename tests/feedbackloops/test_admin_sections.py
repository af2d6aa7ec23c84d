import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from feedbackloops.counting import hour_of
from feedbackloops.models import Attempt, FeedbackLoop, LaneState, LoopHour, OwedCount
from feedbackloops.protocol.latency import BUCKETS
from tests.dashboard import opened, staff, submitted, text, url
from tests.factories import make_account, make_loop, make_verified_loop
from tracking.ids import new_id

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"
SEES = "feedbackloops.view_feedbackloop"
CHANGES = "feedbackloops.change_feedbackloop"


@pytest.fixture
def client() -> Client:
    return staff(SEES, CHANGES, "feedbackloops.view_delivery")


@pytest.fixture
def loop() -> FeedbackLoop:
    return make_verified_loop(make_account())


def shown(client: Client, loop: FeedbackLoop) -> str:
    return text(client.get(url(LOOP, "change", loop.pk)))


def section(client: Client, loop: FeedbackLoop, name: str) -> str:
    return shown(client, loop).partition(f'<section id="{name}"')[2].partition("</section>")[0]


def names(client: Client, loop: FeedbackLoop) -> list[str]:
    return re.findall(r'<section id="(\w+)"', shown(client, loop))


def count(loop: FeedbackLoop, hours_ago: int, delivered: int, failed: int, given_up: int, owed: int = 0) -> None:
    hour = hour_of(now()) - timedelta(hours=hours_ago)
    counted = {"delivered": delivered, "failed": failed, "given_up": given_up, "latency": [0] * BUCKETS}
    LoopHour.objects.create(loop_id=loop.pk, hour=hour, **counted)
    OwedCount.objects.create(loop_id=loop.pk, hour=hour, count=owed)


def test_every_section_has_a_heading_and_is_led_to_and_the_form_is_the_last(client: Client, loop: FeedbackLoop) -> None:
    LaneState.objects.update(last_success=now())
    FeedbackLoop.objects.update(verified=now())
    page, found = shown(client, loop), names(client, loop)
    assert found[:3] == ["health", "outcomes", "deliveries"]
    links = re.findall(r'href="#(\w+)"', page.partition('class="loop-nav"')[2].partition("</nav>")[0])
    assert links == [*found, "settings"]
    assert all(f'aria-labelledby="{name}-heading"' in page and f'id="{name}-heading"' in page for name in found)
    assert page.index('id="settings"') > max(page.index(f'<section id="{name}"') for name in found)


def test_what_is_to_be_done_before_anything_is_sent_comes_first(client: Client, loop: FeedbackLoop) -> None:
    assert names(client, make_loop(make_account()))[:4] == ["health", "steps", "verification", "outcomes"]
    assert names(client, loop)[:3] == ["health", "steps", "outcomes"]


def test_a_loop_that_has_failed_for_long_says_for_how_long(client: Client, loop: FeedbackLoop) -> None:
    since = now() - timedelta(days=5)
    LaneState.objects.update(stopped=now(), stop_reason="failing", failing_since=since, failing_for=4 * 86_400)
    assert "no call has succeeded in 4 days of trying" in section(client, loop, "health")


def test_what_was_entered_and_cannot_be_saved_comes_before_the_sections(client: Client, loop: FeedbackLoop) -> None:
    answer = text(submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, name=""))
    assert answer.index('id="settings"') < answer.index('<section id="health"')


@pytest.mark.parametrize(
    ("status", "lane", "title", "advice", "main"),
    [
        ("active", {}, "Sending", "", ""),
        ("paused", {}, "Paused", "", "resume"),
        ("disabled", {}, "Disabled", "Press Resume to have events kept", "resume"),
        ("active", {"stopped": now(), "stop_reason": "gone"}, "Stopped by itself", "still wanted", "resume"),
        (
            "active",
            {"troubles": 6, "cooling_until": now() + timedelta(hours=1)},
            "Resting",
            "press Try now rather than wait",
            "try_now",
        ),
        ("active", {"troubles": 6, "cooling_until": now()}, "Failing", "what the script answers", "try_now"),
    ],
)
def test_the_page_begins_with_how_the_loop_stands_and_what_to_do(
    client: Client, loop: FeedbackLoop, status: str, lane: dict[str, Any], title: str, advice: str, main: str
) -> None:
    FeedbackLoop.objects.update(status=status)
    LaneState.objects.update(**lane)
    health = section(client, loop, "health")
    assert f'<p class="health-title">{title}</p>' in health
    assert ("What to do:" in health, advice in health) == (bool(advice), True)
    [marked] = re.findall(r"/do/(\w+)/(?:(?!</form>).)*bg-primary-600", health, re.DOTALL) or [""]
    assert marked == main


def test_who_may_only_look_gets_no_buttons(loop: FeedbackLoop) -> None:
    viewer = staff(SEES)
    assert "<button" not in section(viewer, loop, "health")
    assert "Change the limits" not in section(viewer, loop, "limits")
    assert "secret" not in names(viewer, loop)
    assert "deliveries" not in names(viewer, loop)


def test_a_few_failures_never_round_to_a_hundred_percent(client: Client, loop: FeedbackLoop) -> None:
    assert '<dd class="tile-number">–</dd>' in section(client, loop, "health")
    count(loop, 1, 100_000, 1, 0)
    assert '<dd class="tile-number">99.9 %</dd>' in section(client, loop, "health")
    LoopHour.objects.update(failed=0)
    assert '<dd class="tile-number">100 %</dd>' in section(client, loop, "health")


def test_what_failed_for_good_is_counted_once_in_the_charts(client: Client, loop: FeedbackLoop) -> None:
    assert "No calls in these days." in section(client, loop, "outcomes")
    count(loop, 0, 10, 7, 3)
    told = "Delivered 10, Failed attempts, tried again 4, Given up 3"
    assert section(client, loop, "outcomes").count(told) == 2
    LoopHour.objects.update(hour=hour_of(now()) - timedelta(days=3))
    assert section(client, loop, "outcomes").count(told) == 1
    LoopHour.objects.update(hour=hour_of(now()) - timedelta(days=8))
    assert told not in section(client, loop, "outcomes")


def answered(loop: FeedbackLoop, seconds: float) -> None:
    facts = {"delivery_id": new_id(), "outcome": "accepted", "status": 200, "number": 1, "started": now()}
    Attempt.objects.create(id=new_id(), loop=loop, account=loop.account, total=seconds, **facts)


def test_limits_are_told_with_what_they_come_to(client: Client, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(in_flight_limit=2)
    assert "Not known before the script has answered." in section(client, loop, "limits")
    answered(loop, 0.5)
    limits = section(client, loop, "limits")
    assert "Up to 2 calls under way at once." in limits
    assert "No limit: as many calls a second as the script answers." in limits
    assert "About 14,400 an hour, as the script took 0.5 s for each of its last calls." in limits
    FeedbackLoop.objects.update(in_flight_limit=1, rate_limit=1)
    limits = section(client, loop, "limits")
    assert "One call at a time" in limits
    assert "At most 1 a second, which is 3,600 an hour." in limits


@pytest.mark.parametrize(("owed", "words"), [(3600, "there is room for that"), (3601, "deliveries fall behind")])
def test_limits_that_are_too_low_for_what_comes_in_say_so(
    client: Client, loop: FeedbackLoop, owed: int, words: str
) -> None:
    FeedbackLoop.objects.update(rate_limit=1)
    count(loop, 5, 0, 0, 0, owed=owed)
    assert f"Up to {owed:,} an hour: " in section(client, loop, "limits")
    assert words in section(client, loop, "limits")


def test_changes_tell_who_changed_what_from_what_to_what(client: Client, loop: FeedbackLoop) -> None:
    assert "Nobody has changed anything yet." in section(client, loop, "changes")
    typed = {"rate_limit": "5", "url": "https://example.com/hooks/new.php?password=hunter2", "event_types": ["bounce"]}
    submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, **typed)
    changes = section(client, loop, "changes")
    assert re.search(r"Rate limit: <del>–</del>.*?<ins>5</ins>", changes)
    assert re.search(r"Event types: <del>click, open</del>.*?<ins>bounce</ins>", changes)
    assert re.search(r"URL: <del>https://example.com/hooks/script.php</del>.*?<ins>[^<]*new.php\?…</ins>", changes)
    assert User.objects.get().username in changes
    assert not LogEntry.objects.filter(change_message__contains="hunter2").exists()


def test_a_key_that_was_changed_leaves_no_trace_of_itself(client: Client, loop: FeedbackLoop) -> None:
    typed = {"make_rsa_key": "on", "rsa_key_id": "key._domainkey.example.com"}
    submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, **typed)
    stored = LogEntry.objects.get().change_message
    assert set(json.loads(stored)[0]["changed"]["values"]) == {"rsa_key_id"}
    assert "PRIVATE" not in stored


def test_what_was_noted_before_values_were_is_shown_as_it_was(client: Client, loop: FeedbackLoop) -> None:
    user = User.objects.get()
    LogEntry.objects.log_actions(user.pk, [loop], CHANGE, "Paused.")
    LogEntry.objects.log_actions(user.pk, [loop], CHANGE, [{"changed": {"fields": ["Name"]}}])
    changes = section(client, loop, "changes")
    assert "Paused." in changes
    assert "Changed Name." in changes
