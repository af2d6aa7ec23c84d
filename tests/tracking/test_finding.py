from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_account, make_message
from tracking.finding import Trace, find_messages
from tracking.ids import first_id_at, new_id
from tracking.models import Message

pytestmark = pytest.mark.django_db


def find(*traces: Trace, account: int | None = None) -> list[UUID | None]:
    return [found.pk if found else None for found in find_messages(traces, account=account, before=now())]


def message_of(message: Message, **values: Any) -> Message:
    """Another one of the same account."""
    return make_message(account=message.account, **values)


def test_a_message_is_found_by_each_of_its_names() -> None:
    message = make_message(esp_message_id="0102018f", internet_message_id="a.1@mail.example.com")
    traces = [
        Trace(message=message.pk),
        Trace(esp_id="0102018f"),
        Trace(header="<a.1@mail.example.com>"),
        Trace(recipient="Ann <ANN@example.com>"),
    ]
    assert find(*traces, account=message.account_id) == [message.pk] * 4


def test_what_is_unknown_is_not_found() -> None:
    message = make_message()
    traces = [Trace(), Trace(message=new_id()), Trace(esp_id="x"), Trace(header="<x@y>"), Trace(recipient="bob@b.com")]
    assert find(*traces, account=message.account_id) == [None] * 5
    assert find(*traces) == [None] * 5


def test_messages_of_another_account_are_not_found() -> None:
    message = make_message(esp_message_id="0102018f", internet_message_id="a.1@mail.example.com")
    traces = [
        Trace(message=message.pk),
        Trace(esp_id="0102018f"),
        Trace(header="a.1@mail.example.com"),
        Trace(recipient="ann@example.com"),
    ]
    assert find(*traces, account=make_account().pk) == [None] * 4


def test_a_surer_name_goes_before_a_less_sure_one() -> None:
    message = make_message(esp_message_id="0102018f")
    newer = message_of(message, internet_message_id="b@example.com")
    assert find(Trace(message.pk, header="b@example.com", recipient="ann@example.com"), account=message.account_id) == [
        message.pk
    ]
    assert find(Trace(new_id(), "0102018f", "b@example.com", "ann@example.com"), account=message.account_id) == [
        message.pk
    ]
    assert find(Trace(None, "other", "b@example.com"), account=message.account_id) == [newer.pk]


def test_an_id_that_an_esp_gave_to_several_recipients_needs_the_recipient() -> None:
    ann = make_message(esp_message_id="0102018f")
    bob = message_of(ann, esp_message_id="0102018f", recipient="bob@example.com")
    traces = [
        Trace(esp_id="0102018f", recipient="BOB@example.com"),
        Trace(esp_id="0102018f", recipient="ann@example.com"),
        Trace(esp_id="0102018f"),
    ]
    assert find(*traces, account=ann.account_id) == [bob.pk, ann.pk, None]


def test_an_id_that_one_message_has_names_it_whatever_became_of_the_address() -> None:
    message = make_message(esp_message_id="0102018f")
    assert find(Trace(esp_id="0102018f", recipient="forwarded@example.net"), account=message.account_id) == [message.pk]


def test_an_esps_id_says_nothing_where_the_account_is_not_known() -> None:
    make_message(esp_message_id="0102018f")
    assert find(Trace(esp_id="0102018f")) == [None]


def test_a_message_id_that_two_accounts_have_used_names_neither() -> None:
    message = make_message(internet_message_id="a@example.com")
    assert find(Trace(header="<a@example.com>")) == [message.pk]
    make_message(internet_message_id="a@example.com")
    assert find(Trace(header="<a@example.com>")) == [None]
    assert find(Trace(header="<a@example.com>"), account=message.account_id) == [message.pk]


def test_by_recipient_it_is_the_newest_within_the_window() -> None:
    old = make_message(id=first_id_at(now() - timedelta(days=40)))
    assert find(Trace(recipient="ann@example.com"), account=old.account_id) == [None]
    message_of(old, id=first_id_at(now() - timedelta(days=20)))
    newest = message_of(old, id=first_id_at(now() - timedelta(days=10)), recipient="Ann@Example.com")
    message_of(old, id=first_id_at(now() + timedelta(days=1)))
    assert find(Trace(recipient="ann@example.com"), account=old.account_id) == [newest.pk]


def test_a_recipient_of_two_accounts_names_neither() -> None:
    message = make_message()
    assert find(Trace(recipient="ann@example.com")) == [message.pk]
    make_message(id=first_id_at(now() - timedelta(days=3)))
    assert find(Trace(recipient="ann@example.com")) == [None]


def test_a_set_takes_four_queries_however_long_it_is(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    first = make_message()
    made = [message_of(first, recipient=f"{number}@example.com", esp_message_id=str(number)) for number in range(30)]
    traces = [Trace(recipient=f"{number}@example.com") for number in range(30)]
    traces += [Trace(esp_id=str(number)) for number in range(30)] + [Trace(header="<none@x>"), Trace(new_id())]
    with django_assert_max_num_queries(5):
        found = find(*traces, account=first.account_id)
    assert found == [*(each.pk for each in made * 2), None, None]
