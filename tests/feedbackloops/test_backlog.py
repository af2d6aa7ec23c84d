from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.utils.timezone import now

from feedbackloops import backlog, history, lanes
from feedbackloops.backlog import NIL, oldest_pending
from feedbackloops.models import Delivery, FeedbackLoop
from tests.factories import make_message, make_verified_loop
from tracking import partitions
from tracking.ids import first_id_at, moment_of

pytestmark = pytest.mark.django_db

LONG_AGO = date(2001, 2, 3)


@pytest.fixture(autouse=True)
def look_up_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "KEPT_SECONDS", -1.0)


@pytest.fixture
def loop() -> FeedbackLoop:
    partitions.make(history.DELIVERIES, [LONG_AGO])
    return make_verified_loop(make_message().account)


def noon(day: date) -> UUID:
    return first_id_at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def pend(loop: FeedbackLoop, id: UUID, state: str = "pending") -> None:
    moment = now() - timedelta(seconds=1)
    Delivery.objects.create(id=id, event_id=id, loop=loop, account_id=loop.account_id, state=state, next_attempt=moment)


def test_with_nothing_pending_the_bound_is_yesterday(loop: FeedbackLoop) -> None:
    pend(loop, noon(LONG_AGO), "delivered")

    assert moment_of(oldest_pending()).date() == now().date() - timedelta(days=1)


def test_the_bound_goes_back_to_the_first_day_with_a_pending_delivery(loop: FeedbackLoop) -> None:
    pend(loop, noon(LONG_AGO))
    pend(loop, noon(now().date()))

    assert moment_of(oldest_pending()) == datetime(2001, 2, 3, tzinfo=UTC)


def test_there_is_no_bound_while_something_is_pending_that_no_day_covers(loop: FeedbackLoop) -> None:
    pend(loop, noon(date(1999, 1, 1)))

    assert oldest_pending() == NIL


def test_an_old_delivery_is_due_and_claimed(loop: FeedbackLoop) -> None:
    pend(loop, noon(LONG_AGO))

    assert lanes.due() == [loop.pk]
    assert len(lanes.claim([lanes.Place(loop.pk, 10, lanes.START_OF_TIME, lanes.NIL)])) == 1


def test_the_bound_is_kept_for_a_while(loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest_pending()
    monkeypatch.setattr(backlog, "KEPT_SECONDS", 60.0)
    pend(loop, noon(LONG_AGO))
    assert moment_of(oldest_pending()).date() == now().date() - timedelta(days=1)

    monkeypatch.setattr(backlog, "KEPT_SECONDS", -1.0)
    assert moment_of(oldest_pending()).date() == LONG_AGO
