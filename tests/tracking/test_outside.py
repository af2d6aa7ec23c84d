from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import transaction

from tests.factories import make_message
from tracking.models import Event, Message, Outbox
from tracking.outside import record_reports
from tracking.reports import BadReport, Report
from tracking.signals import events_recorded

AT = datetime(2026, 11, 3, 9, 30, 5, tzinfo=UTC)
MIME = "From: MAILER-DAEMON@mx.example.net\r\n\r\nbounced\r\n"


@pytest.fixture
def told() -> Iterator[list[list[UUID]]]:
    """The sets of ids that the house was told of."""
    heard: list[list[UUID]] = []

    def hear(ids: list[UUID], **kwargs: object) -> None:
        heard.append(ids)

    events_recorded.connect(hear)
    yield heard
    events_recorded.disconnect(hear)


def failure(message: Message, key: str = "1", **data: object) -> Report:
    return Report("failure", message.account_id, message.pk, AT, key, {"code": 550, **data}, "postmark")


@pytest.mark.django_db(transaction=True)
def test_reports_become_events_that_wait_for_their_fan_out(told: list[list[UUID]]) -> None:
    message = make_message()
    bounce = Report("bounce", message.account_id, message.pk, AT, "1", {"mime": MIME.encode()})
    new = record_reports([failure(message), bounce])
    assert new == {failure(message).event, bounce.event}
    stored = Event.objects.get(type="failure")
    assert (stored.account_id, stored.message_id, stored.occurred_at) == (message.account_id, message.pk, AT)
    assert stored.data == {"action": "failed", "code": 550, "source": "postmark"}
    assert Event.objects.get(type="bounce").data == {"mime": MIME}
    assert set(Outbox.objects.values_list("event_id", flat=True)) == new
    assert told == [sorted(new)]


@pytest.mark.django_db(transaction=True)
def test_what_is_told_again_makes_no_event_and_no_ring(told: list[list[UUID]]) -> None:
    message = make_message()
    record_reports([failure(message)])
    Outbox.objects.all().delete()
    assert record_reports([failure(message, code=551)]) == set()
    assert record_reports([failure(message), failure(message, "2"), failure(message, "2")]) == {
        failure(message, "2").event
    }
    assert (Event.objects.count(), Outbox.objects.count(), len(told)) == (2, 1, 2)
    assert Event.objects.get(pk=failure(message).event).data["code"] == 550


@pytest.mark.django_db(transaction=True)
def test_the_house_is_told_once_the_transaction_is_committed(told: list[list[UUID]]) -> None:
    message = make_message()
    with transaction.atomic():
        record_reports([failure(message)])
        assert told == []
    assert told == [[failure(message).event]]


@pytest.mark.django_db
def test_one_bad_report_refuses_the_set() -> None:
    message = make_message()
    with pytest.raises(BadReport, match="'code'"):
        record_reports([failure(message), failure(message, "2", code=7)])
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_no_reports_are_no_trouble() -> None:
    assert record_reports([]) == set()
