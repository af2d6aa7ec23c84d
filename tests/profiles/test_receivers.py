from typing import Any

import pytest
from django.db import connection

from profiles.models import Profile
from profiles.signals import profiles_changed
from profiles.snapshots import Action, ProfileChange
from tests.factories import make_profile

pytestmark = pytest.mark.django_db


def test_a_deletion_is_told_while_its_transaction_is_open() -> None:
    profile = make_profile(city="Ghent")
    heard: list[tuple[ProfileChange, bool]] = []

    def hear(changes: list[ProfileChange], **kwargs: Any) -> None:
        heard.extend((change, connection.in_atomic_block) for change in changes)

    profiles_changed.connect(hear)
    try:
        Profile.objects.filter(pk=profile.pk).delete()
    finally:
        profiles_changed.disconnect(hear)
    ((change, in_transaction),) = heard
    assert (change.action, change.account, in_transaction) == (Action.DELETE, profile.account_id, True)
    assert change.facts["fields"] == {"city": "Ghent"}


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_fails_keeps_the_profile() -> None:
    profile = make_profile()

    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    profiles_changed.connect(fail)
    try:
        with pytest.raises(ZeroDivisionError):
            profile.delete()
    finally:
        profiles_changed.disconnect(fail)
    assert Profile.objects.filter(pk=profile.pk).exists()
