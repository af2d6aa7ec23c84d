from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from profiles.imports import import_profiles
from tests.factories import make_database, make_profile
from tracking.models import Event, Outbox
from tracking.signals import events_recorded

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_house_is_told_once_the_transaction_is_committed(told: list[UUID]) -> None:
    with transaction.atomic():
        profile = make_profile()
        profile.interests = ["music"]
        profile.save()
        assert Outbox.objects.count() == 2
        assert told == []
    assert told == list(Event.objects.order_by("id").values_list("id", flat=True))
    assert [event.type for event in Event.objects.order_by("id")] == ["create", "update"]


def test_nobody_is_told_of_what_was_rolled_back(told: list[UUID]) -> None:
    def fail() -> None:
        with transaction.atomic():
            make_profile()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert told == []


def test_an_import_tells_of_every_row(told: list[UUID]) -> None:
    import_profiles(make_database(), [{}] * 1001)
    assert len(set(told)) == 1001


def test_a_listener_that_fails_does_not_fail_the_save(told: list[UUID]) -> None:
    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    events_recorded.connect(fail)
    try:
        make_profile()
    finally:
        events_recorded.disconnect(fail)
    assert len(told) == 1
