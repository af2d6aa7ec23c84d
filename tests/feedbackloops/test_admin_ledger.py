from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoCaptureOnCommitCallbacks

from feedbackloops import tasks
from feedbackloops.models import FeedbackLoop, LedgerDay, LedgerLine, ParkedEvent
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_account, make_verified_loop
from tracking.ids import new_id

pytestmark = pytest.mark.django_db

LEDGER = "feedbackloops_ledgerline"
DAY = date(2026, 11, 20)


@pytest.fixture
def viewer() -> Client:
    return staff("feedbackloops.view_ledgerline")


@pytest.fixture
def loop() -> FeedbackLoop:
    return make_verified_loop(make_account(), name="Shop")


def line(loop: FeedbackLoop, **values: Any) -> LedgerLine:
    numbers = {"owed": 9, "delivered": 6, "pending": 3, "given_up": 0, "cancelled": 0}
    where = {"day": DAY, "loop": loop, "account": loop.account, "counted": now()}
    return LedgerLine.objects.create(**where | numbers | values)


def shown(client: Client, **query: str) -> str:
    return text(client.get(url(LEDGER, "changelist"), query))


def test_the_page_shows_each_line_with_its_loop_and_when_it_was_counted(viewer: Client, loop: FeedbackLoop) -> None:
    line(loop)
    page = shown(viewer)
    for words in ("Every line balances", "2026-11-20", "Shop", "balances", "Ledger"):
        assert words in page


def test_what_does_not_balance_stands_out_and_can_be_chosen(viewer: Client, loop: FeedbackLoop) -> None:
    wrong = line(loop, delivered=4)
    line(loop, day=date(2026, 11, 21))
    page = shown(viewer)
    assert "1 line of the ledger does not balance." in page
    assert "2 missing" in page
    assert "2026-11-21" not in shown(viewer, balance="no")
    assert "2026-11-20" not in shown(viewer, balance="yes")
    assert "2 deliveries are missing: rows were deleted by hand" in text(viewer.get(url(LEDGER, "change", wrong.pk)))
    LedgerLine.objects.filter(pk=wrong.pk).update(delivered=9)
    assert "3 too many" in shown(viewer, balance="no")


def test_a_line_outlives_its_loop(viewer: Client) -> None:
    LedgerLine.objects.create(
        day=DAY, loop_id=77, owed=1, delivered=0, pending=0, given_up=0, cancelled=1, counted=now()
    )
    assert "77 (deleted)" in shown(viewer)


def test_hits_that_are_missing_or_lost_are_told_with_their_day(viewer: Client) -> None:
    LedgerDay.objects.create(day=DAY, accepted=10, lost=2, spooled=1, events=6, counted=now())
    page = shown(viewer)
    assert "3 accepted hits are no event yet, and in no spool of this host." in page
    assert "2 hits were lost" in page
    assert "no event yet" not in shown(staff("feedbackloops.view_ledgerline", accounts=[make_account()]))


def test_parked_events_are_shown_beside_it(viewer: Client) -> None:
    ParkedEvent.objects.create(event_id=new_id(), error="what?")
    assert "1 event parked, owed to nobody yet." in shown(viewer)


def test_it_is_counted_anew_at_the_press_of_a_button(
    viewer: Client, rings: Rings, loop: FeedbackLoop, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    counter = staff("feedbackloops.change_ledgerline")
    assert url(LEDGER, "count") in shown(counter)
    assert url(LEDGER, "count") not in shown(viewer)
    with django_capture_on_commit_callbacks(execute=True):
        answer = counter.post(url(LEDGER, "count"), follow=True)
    assert "It is being counted, the newest day first." in text(answer)
    days = [argument for task, argument in rings if task == "count_ledger"]
    assert days[0] == f"{now():%Y-%m-%d}"
    tasks.count_ledger(days)
    assert LedgerDay.objects.count() == len(days)


def test_counting_needs_its_right_and_a_post_and_nothing_can_be_changed(viewer: Client, loop: FeedbackLoop) -> None:
    counter = staff("feedbackloops.change_ledgerline")
    assert viewer.post(url(LEDGER, "count")).status_code == 403
    assert counter.get(url(LEDGER, "count")).status_code == 405
    row = line(loop)
    assert counter.post(url(LEDGER, "change", row.pk), {"owed": "1"}).status_code == 403
    assert counter.get(url(LEDGER, "add")).status_code == 403
    assert counter.get(url(LEDGER, "delete", row.pk)).status_code == 403
