"""Sending much of a loop again from its page: choose, count, confirm."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from feedbackloops import resending, tasks
from feedbackloops.admin.again import AgainForm, ConfirmedForm
from feedbackloops.models import Delivery, FeedbackLoop, Resend
from tests.dashboard import Page, Rings, staff, text, url
from tests.factories import make_account, make_message, make_verified_loop, owe

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings")]

LOOP = "feedbackloops_feedbackloop"
RIGHTS = ("feedbackloops.view_feedbackloop", "feedbackloops.change_delivery")


@pytest.fixture
def client() -> Client:
    return staff(*RIGHTS)


@pytest.fixture
def loop() -> FeedbackLoop:
    """A loop with three deliveries that were given up, and another loop of the account with as many."""
    account = make_account()
    loop = make_verified_loop(account, name="Shop")
    make_verified_loop(account)
    owe(make_message(account=account), 3)
    Delivery.objects.update(state="given_up", attempts=13)
    return loop


def page_of(loop: FeedbackLoop) -> str:
    return url(LOOP, "again", loop.pk)


def typed(**changes: Any) -> dict[str, Any]:
    since = now() - timedelta(hours=1)
    form = {"since_0": f"{since:%Y-%m-%d}", "since_1": f"{since:%H:%M:%S}", "until_0": "", "until_1": ""}
    return form | {"states": ["given_up"]} | changes


def test_what_was_chosen_is_counted_confirmed_and_sent_again(
    client: Client,
    loop: FeedbackLoop,
    rings: Rings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    assert page_of(loop) in text(client.get(url(LOOP, "change", loop.pk)))
    counted = text(client.post(page_of(loop), typed()))
    assert "3 deliveries would be sent again." in counted
    assert not Resend.objects.exists()
    rings.clear()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(page_of(loop), dict(Page(counted, "confirm_form").values), follow=True)
    resend = Resend.objects.get()
    assert (resend.loop, resend.expected, resend.states) == (loop, 3, ["given_up"])
    assert ("send_again", resend.pk) in rings
    assert "0 of 3 so far." in text(answer)
    tasks.send_again([resend.pk])
    assert re.search(r"3, done on [^<]*\.", text(client.get(url(LOOP, "change", loop.pk))))
    assert set(Delivery.objects.values_list("loop_id", "state")) == {
        (loop.pk, "pending"),
        (Delivery.objects.exclude(loop=loop)[0].loop_id, "given_up"),
    }
    assert "Had sent again: What was given up" in text(client.get(url(LOOP, "history", loop.pk)))


def test_what_comes_in_after_the_count_is_not_part_of_it(client: Client, loop: FeedbackLoop) -> None:
    counted = text(client.post(page_of(loop), typed()))
    late = owe(make_message(account=loop.account))
    Delivery.objects.filter(event_id__in=late).update(state="given_up")
    client.post(page_of(loop), dict(Page(counted, "confirm_form").values))
    tasks.send_again([Resend.objects.get().pk])
    assert Delivery.objects.get(event_id__in=late, loop=loop).state == "given_up"


def test_a_count_that_is_confirmed_twice_is_sent_again_once(client: Client, loop: FeedbackLoop) -> None:
    confirmed = dict(Page(text(client.post(page_of(loop), typed())), "confirm_form").values)
    client.post(page_of(loop), confirmed)
    # Done by the time that somebody goes back to the page and presses the button once more.
    tasks.send_again([Resend.objects.get().pk])
    answer = client.post(page_of(loop), confirmed, follow=True)
    assert "Nothing more was begun: this was confirmed before." in text(answer)
    assert Resend.objects.count() == 1
    assert text(client.get(url(LOOP, "history", loop.pk))).count("Had sent again") == 1


def test_the_same_may_be_sent_again_once_it_is_counted_anew(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = now() + timedelta(seconds=1)
    monkeypatch.setattr("feedbackloops.admin.again.now", lambda: moment)
    for _ in range(2):
        confirmed = dict(Page(text(client.post(page_of(loop), typed())), "confirm_form").values)
        client.post(page_of(loop), confirmed)
    assert Resend.objects.count() == 2
    assert set(Resend.objects.values_list("until", flat=True)) == {moment}


def test_nothing_is_offered_to_confirm_where_nothing_is_found(client: Client, loop: FeedbackLoop) -> None:
    page = text(client.post(page_of(loop), typed(states=["cancelled"])))
    assert "0 deliveries of that kind: there is nothing to send again." in page
    assert "confirm_form" not in page


def test_a_count_without_end_is_told_as_such(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "MOST_COUNTED", 2)
    monkeypatch.setattr("feedbackloops.admin.again.MOST_COUNTED", 2)
    assert "more than 2 deliveries would be sent again." in text(client.post(page_of(loop), typed()))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"since_0": "yesterday"}, "Enter a valid date."),
        ({"since_0": ""}, "This field is required."),
        ({"since_0": "1901-01-01"}, "Nothing is that old"),
        ({"since_0": "1969-12-31"}, "Nothing is that old"),
        ({"since_0": "9999-12-31", "since_1": "23:59:59"}, "It ends before it begins"),
        ({"since_1": "\0"}, "Enter a valid time."),
        ({"until_0": "2001-01-01", "until_1": "00:00"}, "It ends before it begins"),
        ({"states": []}, "This field is required."),
        ({"states": ["pending"]}, "Select a valid choice."),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_in_words(
    client: Client, loop: FeedbackLoop, changes: dict[str, Any], words: str
) -> None:
    assert words in text(client.post(page_of(loop), typed(**changes)))
    assert not Resend.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"since": ""},
        {"since": "\0"},
        {"since": "0001-01-01T00:00:00+00:01"},
        {"since": "1969-12-31T00:00:00+00:00"},
        {"until": "2001-01-01T00:00:00+00:00"},
        {"states": ["pending"]},
    ],
)
def test_what_was_counted_is_not_confirmed_as_something_else(
    client: Client, loop: FeedbackLoop, changes: dict[str, Any]
) -> None:
    confirmed = dict(Page(text(client.post(page_of(loop), typed(since_0="2026-05-04"))), "confirm_form").values)
    answered = text(client.post(page_of(loop), confirmed | changes))
    assert "can&#x27;t be confirmed: look at what is chosen, and count anew." in answered
    assert not Resend.objects.exists()
    offered = Page(answered, "again_form").values
    assert {"since_1", "until_0", "until_1"} <= offered.keys()
    assert "since" in changes or offered["since_0"] == ["2026-05-04"], "what could be read is still chosen"


def test_a_moment_with_an_offset_that_postgres_does_not_take_is_confirmed(client: Client, loop: FeedbackLoop) -> None:
    confirmed = dict(Page(text(client.post(page_of(loop), typed())), "confirm_form").values)
    client.post(page_of(loop), confirmed | {"since": "2026-01-01T00:00:00+23:59"})
    assert Resend.objects.get().since == datetime(2025, 12, 31, 0, 1, tzinfo=UTC)


def test_a_count_is_confirmed_once_and_as_it_was_by_a_machine_whose_clock_is_behind(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed = dict(Page(text(client.post(page_of(loop), typed())), "confirm_form").values)
    monkeypatch.setattr("feedbackloops.admin.again.now", lambda: now() - timedelta(seconds=2))
    for _ in range(2):
        client.post(page_of(loop), confirmed)
    assert Resend.objects.get().until == datetime.fromisoformat(confirmed["until"][0])


def test_nothing_to_come_is_confirmed(client: Client, loop: FeedbackLoop) -> None:
    confirmed = dict(Page(text(client.post(page_of(loop), typed())), "confirm_form").values)
    client.post(page_of(loop), confirmed | {"until": "9999-12-31T23:59:59+00:00"})
    assert Resend.objects.get().until <= now() + timedelta(minutes=1)


def test_a_count_is_confirmed_in_the_hour_that_clocks_show_twice(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"
    second_half_past_two = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    monkeypatch.setattr("feedbackloops.admin.again.now", lambda: second_half_past_two)
    counted = text(client.post(page_of(loop), typed()))
    client.post(page_of(loop), dict(Page(counted, "confirm_form").values))
    assert Resend.objects.get().until == second_half_past_two


def test_a_loop_that_is_gone_when_its_count_is_confirmed_is_not_found(
    client: Client, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed = dict(Page(text(client.post(page_of(loop), typed())), "confirm_form").values)
    monkeypatch.setattr(ConfirmedForm, "clean", lambda form: loop.delete() and AgainForm.clean(form))
    assert client.post(page_of(loop), confirmed).status_code == 404


def test_the_page_says_what_holds_the_loop(client: Client, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(status="paused")
    assert "Now the loop is paused: they are sent once it sends again." in text(client.get(page_of(loop)))


def test_sending_again_needs_its_right_and_a_loop(client: Client, loop: FeedbackLoop) -> None:
    viewer = staff("feedbackloops.view_feedbackloop")
    assert viewer.get(page_of(loop)).status_code == viewer.post(page_of(loop), typed()).status_code == 403
    assert page_of(loop) not in text(viewer.get(url(LOOP, "change", loop.pk)))
    assert client.get(url(LOOP, "again", loop.pk + 99)).status_code == 404
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = client.cookies
    assert careful.post(page_of(loop), typed(confirmed="1")).status_code == 403
    assert not Resend.objects.exists()
