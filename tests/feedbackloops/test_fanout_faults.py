"""Fan-outs that fail, meet one another, or lose their database."""

import threading
from time import sleep
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from feedbackloops import fanout
from feedbackloops.fanout import fan_out, unpark, waiting
from feedbackloops.models import (
    Delivery,
    FeedbackLoop,
    OwedCount,
    ParkedEvent,
)
from tests.factories import (
    make_events,
    make_message,
    make_profile,
    make_verified_loop,
)
from tracking.ids import new_id
from tracking.models import Message, Outbox
from tracking.statements import run
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def message() -> Message:
    message = make_message(make_profile(firstname="Ann"), tags=["spring", "sale"])
    Outbox.objects.all().delete()
    return message


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def poison(account: int) -> EventRow:
    """An event that no fan-out can read."""
    return EventRow(new_id(), "open", account, None, {"database": "not a number"})


def test_one_event_that_fails_is_parked_and_the_others_are_owed(message: Message, loop: FeedbackLoop) -> None:
    events = make_events(message, 6)
    bad = poison(message.account_id)
    store_events([bad])

    assert fan_out([*events[:3], bad.id, *events[3:]]) == {loop.pk}

    assert Delivery.objects.count() == 6
    parked = ParkedEvent.objects.get()
    assert parked.event_id == bad.id
    assert "not a number" in parked.error
    assert not Outbox.objects.exists()


def test_a_parked_event_can_be_tried_again(message: Message) -> None:
    bad = poison(message.account_id)
    store_events([bad])
    fan_out([bad.id])

    assert unpark([bad.id]) == 1

    assert waiting(10, older_than=-1) == [bad.id]
    assert not ParkedEvent.objects.exists()


def test_two_fan_outs_at_once_owe_each_event_once() -> None:
    message = make_message()
    make_verified_loop(message.account)
    events = make_events(message, 200)
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        fan_out(events)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Delivery.objects.count() == 200
    assert sum(OwedCount.objects.values_list("count", flat=True)) == 200


def test_an_event_that_another_fan_out_holds_is_left_to_it() -> None:
    message = make_message()
    make_verified_loop(message.account)
    [held, free] = make_events(message, 2)
    taken: list[set[int]] = []

    def run() -> None:
        taken.append(fan_out([held, free]))
        connection.close()

    with transaction.atomic():
        Outbox.objects.select_for_update().get(pk=held)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert list(Delivery.objects.values_list("event_id", flat=True)) == [free]

    assert waiting(10, older_than=-1) == [held]


def test_a_database_that_goes_away_leaves_the_events_waiting_and_parks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    message = make_message()
    make_verified_loop(message.account)
    events = make_events(message, 2)

    def cut_the_line(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        if "feedbackloops_snapshot" in query:
            run("SELECT pg_terminate_backend(pg_backend_pid())")
        return run(query, **parameters)

    monkeypatch.setattr(fanout, "run", cut_the_line)
    with pytest.raises(OperationalError):
        fan_out(events)
    connection.close()

    assert waiting(10, older_than=-1) == sorted(events)
    assert not ParkedEvent.objects.exists()
    assert not Delivery.objects.exists()


def test_an_event_whose_fan_out_was_slept_through_is_not_parked(
    message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    [event] = make_events(message)
    run("SET idle_in_transaction_session_timeout = 10")

    def dream(accounts: set[int]) -> list[Any]:
        sleep(0.2)
        return []

    monkeypatch.setattr(fanout, "_wishes", dream)
    try:
        with pytest.raises(OperationalError):
            fan_out([event])
    finally:
        connection.close()

    assert Outbox.objects.filter(event_id=event).exists()
    assert not ParkedEvent.objects.exists()
