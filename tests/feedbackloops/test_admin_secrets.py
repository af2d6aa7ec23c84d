from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.utils.html import escape
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops.models import FeedbackLoop
from feedbackloops.rotation import end_overlaps
from feedbackloops.tasks import end_overlaps as end_overlaps_task
from tests.dashboard import staff, text, url
from tests.factories import make_account, make_loop

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"
OLD = "whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZA=="


@pytest.fixture
def loop() -> FeedbackLoop:
    return make_loop(make_account())


@pytest.fixture
def editor() -> Client:
    return staff("feedbackloops.change_feedbackloop")


@pytest.fixture
def reader() -> Client:
    return staff("feedbackloops.view_feedbackloop", "feedbackloops.view_secret")


def pressed(client: Client, loop: FeedbackLoop, act: str, **values: Any) -> Any:
    return client.post(url(LOOP, "secret", loop.pk), {"act": act} | values)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def log() -> list[str]:
    return list(LogEntry.objects.values_list("change_message", flat=True))


def test_the_secret_is_shown_on_request_only_and_the_look_is_noted(reader: Client, loop: FeedbackLoop) -> None:
    for page in (url(LOOP, "change", loop.pk), url(LOOP, "secret", loop.pk)):
        assert escape(loop.secret) not in text(reader.get(page))
    assert log() == []
    shown = pressed(reader, loop, "reveal")
    assert escape(loop.secret) in text(shown)
    assert "no-store" in shown["Cache-Control"]
    assert log() == ["Looked at the signing secret."]
    assert "Looked at the signing secret." in text(reader.get(url(LOOP, "history", loop.pk)))


def test_both_secrets_are_shown_while_both_sign(reader: Client, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(previous_secret=OLD)
    page = text(pressed(reader, loop, "reveal"))
    assert escape(loop.secret) in page
    assert escape(OLD) in page


def test_whoever_may_change_a_loop_may_replace_its_secret_without_seeing_it(editor: Client, loop: FeedbackLoop) -> None:
    assert "not see it" in text(editor.get(url(LOOP, "secret", loop.pk)))
    assert pressed(editor, loop, "reveal").status_code == 403
    assert pressed(editor, loop, "rotate", confirmed="yes").status_code == 302
    assert FeedbackLoop.objects.get().secret != loop.secret


@pytest.mark.parametrize("act", ["rotate", "end"])
def test_whoever_may_only_look_replaces_nothing(reader: Client, loop: FeedbackLoop, act: str) -> None:
    FeedbackLoop.objects.update(previous_secret=OLD if act == "end" else "")
    before = FeedbackLoop.objects.values().get()
    assert pressed(reader, loop, act, confirmed="yes").status_code == 403
    assert FeedbackLoop.objects.values().get() == before


def test_the_page_is_for_those_who_may_see_or_replace_the_secret(loop: FeedbackLoop) -> None:
    address = url(LOOP, "secret", loop.pk)
    assert staff("feedbackloops.view_feedbackloop").get(address).status_code == 403
    assert staff("feedbackloops.view_secret").get(address).status_code == 403
    assert staff("feedbackloops.change_feedbackloop").get(url(LOOP, "secret", 0)).status_code == 404


def test_after_a_rotation_both_secrets_sign_until_the_overlap_is_ended(editor: Client, loop: FeedbackLoop) -> None:
    said_first = said(pressed(editor, loop, "rotate", confirmed="yes"))
    rotated = FeedbackLoop.objects.get()
    assert "There is a new secret" in said_first
    assert (rotated.previous_secret, rotated.secret.startswith("whsec_")) == (loop.secret, True)
    assert rotated.secret != loop.secret
    assert rotated.secret_rotated
    assert abs(now() - rotated.secret_rotated) < timedelta(minutes=1)
    pressed(editor, loop, "end")
    ended = FeedbackLoop.objects.get()
    assert (ended.secret, ended.previous_secret) == (rotated.secret, "")
    assert [each.split(":")[0].split(".")[0] for each in reversed(log())] == [
        "Made a new signing secret",
        "Ended the overlap",
    ]


def test_a_rotation_has_to_be_confirmed(editor: Client, loop: FeedbackLoop) -> None:
    assert "tick the box" in said(pressed(editor, loop, "rotate"))
    assert FeedbackLoop.objects.get().secret == loop.secret
    assert log() == []


def test_a_secret_that_still_signs_is_not_pushed_out_by_another_rotation(editor: Client, loop: FeedbackLoop) -> None:
    pressed(editor, loop, "rotate", confirmed="yes")
    rotated = FeedbackLoop.objects.get()
    assert "two secrets sign already" in said(pressed(editor, loop, "rotate", confirmed="yes"))
    again = FeedbackLoop.objects.get()
    assert (again.secret, again.previous_secret) == (rotated.secret, loop.secret)
    assert len(log()) == 1


def test_a_form_that_was_open_meanwhile_does_not_bring_the_old_secret_back(loop: FeedbackLoop) -> None:
    stale = FeedbackLoop.objects.get()
    assert loop.rotate_secret(now())
    stale.name = "Renamed"
    stale.save(update_fields=["name"])
    assert FeedbackLoop.objects.get().previous_secret == loop.secret


@pytest.mark.parametrize(("days", "age", "ends"), [(7, 8, True), (7, 6, False), (0, 400, False)])
def test_an_overlap_ends_by_itself_after_as_many_days_as_are_set(
    loop: FeedbackLoop, settings: Settings, days: int, age: int, ends: bool
) -> None:
    loop.rotate_secret(now() - timedelta(days=age))
    settings.SECRET_OVERLAP_DAYS = days
    end_overlaps_task()
    after = FeedbackLoop.objects.get()
    assert (after.previous_secret == "") is ends
    assert after.secret != loop.secret


def test_an_overlap_whose_beginning_nobody_knows_is_left_to_staff(loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(previous_secret=OLD)
    assert end_overlaps(now(), 1) == 0


def test_the_page_tells_when_an_overlap_ends(editor: Client, loop: FeedbackLoop, settings: Settings) -> None:
    loop.rotate_secret(now())
    assert "lasts until you end it" in text(editor.get(url(LOOP, "secret", loop.pk)))
    settings.SECRET_OVERLAP_DAYS = 7
    assert "ends by itself on" in text(editor.get(url(LOOP, "secret", loop.pk)))
