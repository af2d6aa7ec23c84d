from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from tests.factories import make_message, make_profile
from tracking.ids import new_id
from tracking.models import Event, EventType, Message, Outbox


def test_the_types_are_those_of_the_wire_contract() -> None:
    names = "click open delivery failure bounce abuse unsubscribe create update delete"
    assert EventType.values == names.split()


def test_an_event_happened_when_its_id_says() -> None:
    id = UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    assert Event(id=id).occurred_at == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_rows_are_called_by_their_ids() -> None:
    id = new_id()
    assert str(Message(id=id)) == str(Event(id=id)) == str(Outbox(event_id=id)) == str(id)


@pytest.mark.django_db
def test_an_event_outlives_its_message_and_its_account() -> None:
    gone = make_message()
    event = Event.objects.create(type="open", account_id=gone.account_id, message=gone)
    account = gone.account
    gone.delete()
    account.delete()
    stored = Event.objects.get()
    assert (stored.account_id, stored.message_id) == (event.account_id, event.message_id)


@pytest.mark.django_db
def test_an_account_with_messages_stays() -> None:
    message = make_message()
    with pytest.raises(IntegrityError):
        message.account.delete()


@pytest.mark.django_db
def test_the_newest_messages_come_first() -> None:
    profile = make_profile()
    messages = [make_message(profile) for _ in range(3)]
    assert list(Message.objects.all()) == messages[::-1]


@pytest.mark.parametrize("tags", [["x" * 201], [""]])
def test_a_tag_is_a_text_of_200_characters_at_most(tags: list[str]) -> None:
    with pytest.raises(ValidationError, match="tags"):
        Message(recipient="ann@example.com", tags=tags).clean_fields(exclude=["account"])
