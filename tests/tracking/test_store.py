from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, transaction

from tracking.ids import new_id
from tracking.models import Event, Outbox
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def row(**values: Any) -> EventRow:
    return EventRow(new_id(), "open", 7, MESSAGE, {})._replace(**values)


def test_an_event_and_its_outbox_row_are_stored() -> None:
    data = {"ip": "2001:db8::1", "useragent": "é 📬 \x01 \\ \" ' {NULL} %s", "link": 3, "fields": {"a[b]": ["", "x"]}}
    stored = row(type="click", data=data)
    store_events([stored])
    event = Event.objects.get()
    assert (event.id, event.type, event.account_id, event.message_id) == (stored.id, "click", 7, MESSAGE)
    assert event.data == data
    assert event.recorded is not None
    assert [waiting.event_id for waiting in Outbox.objects.all()] == [stored.id]


def test_an_event_may_have_no_message() -> None:
    store_events([row(message=None)])
    assert Event.objects.get().message_id is None


def test_storing_again_does_nothing() -> None:
    stored = row(data={"first": "yes"})
    store_events([stored])
    store_events([stored._replace(data={"first": "no"}), row()])
    assert Event.objects.get(pk=stored.id).data == {"first": "yes"}
    assert (Event.objects.count(), Outbox.objects.count()) == (2, 2)


def test_an_event_that_was_fanned_out_gets_no_second_outbox_row() -> None:
    stored = row()
    store_events([stored])
    Outbox.objects.all().delete()
    store_events([stored])
    assert not Outbox.objects.exists()


def test_an_event_that_comes_twice_in_one_set_is_stored_once() -> None:
    twice = row()
    store_events([twice, row(), twice])
    assert (Event.objects.count(), Outbox.objects.count()) == (2, 2)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"account": 2**63}, DataError),
        ({"type": "x" * 13}, DataError),
        ({"data": {"a": "\0"}}, DataError),
    ],
)
def test_one_bad_row_refuses_the_set(bad: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error), transaction.atomic():
        store_events([row(), row(**bad), row()])
    assert (Event.objects.count(), Outbox.objects.count()) == (0, 0)


def test_no_rows_are_no_trouble() -> None:
    store_events([])
    assert not Event.objects.exists()
