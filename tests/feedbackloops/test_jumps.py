"""A clock that was ahead, and has jumped back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import jumps, lanes, tasks
from feedbackloops.fanout import waiting
from feedbackloops.models import Delivery, FeedbackLoop, LaneState
from tests.factories import make_message, make_verified_loop, owe
from tracking.ids import new_id
from tracking.models import Message, Outbox
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def test_what_was_owed_while_the_clock_was_ahead_is_due_at_once(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 3)
    Delivery.objects.update(next_attempt=now() + HOUR)

    tasks.mend_jumps()

    assert Delivery.objects.filter(next_attempt__lte=now()).count() == 3
    assert lanes.due() == [loop.pk]


def test_a_retry_keeps_its_moment(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    later = now() + HOUR
    Delivery.objects.update(next_attempt=later, attempts=3)

    assert jumps.mend() == 0

    assert Delivery.objects.get().next_attempt == later


def test_what_staff_have_sent_again_while_the_clock_was_ahead_is_due_at_once(
    message: Message, loop: FeedbackLoop
) -> None:
    owe(message)
    Delivery.objects.update(next_attempt=now() + HOUR, attempts=13, attempts_before=13)

    assert jumps.mend() == 1

    assert lanes.due() == [loop.pk]


def test_a_lease_and_a_rest_last_no_longer_than_they_can(loop: FeedbackLoop, settings: Settings) -> None:
    lanes.lease(uuid4(), [loop.pk], settings.LEASE_SECONDS)
    LaneState.objects.update(leased_until=now() + HOUR, cooling_until=now() + HOUR)

    jumps.mend()

    lane = LaneState.objects.get()
    assert lane.leased_until is not None
    assert lane.cooling_until is not None
    assert lane.leased_until <= now() + timedelta(seconds=settings.LEASE_SECONDS)
    assert lane.cooling_until <= now() + timedelta(seconds=settings.COOL_DOWN_MAX_SECONDS)


def test_leases_and_rests_of_ordinary_times_stay_as_they_are(loop: FeedbackLoop, settings: Settings) -> None:
    lanes.lease(uuid4(), [loop.pk], settings.LEASE_SECONDS)
    before = LaneState.objects.get().leased_until

    jumps.mend()

    assert LaneState.objects.get().leased_until == before


def test_an_event_that_was_recorded_while_the_clock_was_ahead_is_found_by_the_sweep(message: Message) -> None:
    row = EventRow(new_id(), "open", message.account_id, message.pk, {})
    store_events([row])
    assert waiting(10, older_than=60.0) == []

    Outbox.objects.update(created=now() + HOUR)

    assert waiting(10, older_than=60.0) == [row.id]
