from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from profiles.models import Database, OnUnsubscribe, Profile
from profiles.unsubscribing import unsubscribe
from tests.factories import make_database, make_profile
from tracking.models import Event

pytestmark = pytest.mark.django_db
FIELDS = {"newsletter": "no"}


def profile_of(on_unsubscribe: str, fields: dict[str, str] | None = None) -> Profile:
    database = make_database()
    database.on_unsubscribe, database.unsubscribe_fields = on_unsubscribe, fields or {}
    database.save()
    return make_profile(database, email="ann@example.com", newsletter="yes")


def told() -> list[Any]:
    return list(Event.objects.exclude(type="create").order_by("id").values_list("type", "data__parameters"))


def test_by_itself_an_unsubscribe_leaves_the_profile_alone() -> None:
    profile = make_profile(newsletter="yes")
    unsubscribe([profile.pk])
    profile.refresh_from_db()
    assert (profile.fields, told()) == ({"newsletter": "yes"}, [])


def test_it_sets_the_fields_that_its_database_names_once() -> None:
    profile = profile_of("set", FIELDS)
    for _ in range(2):
        unsubscribe([profile.pk])
    profile.refresh_from_db()
    assert profile.fields == {"email": "ann@example.com", "newsletter": "no"}
    assert profile.address == "ann@example.com"
    assert told() == [("update", FIELDS)]


def test_it_removes_the_profile_once() -> None:
    profile = profile_of("remove")
    for _ in range(2):
        unsubscribe([profile.pk])
    assert not Profile.objects.exists()
    assert told() == [("delete", None)]


def test_each_profile_is_treated_as_its_own_database_has_it() -> None:
    left, set_, removed = make_profile(newsletter="yes"), profile_of("set", FIELDS), profile_of("remove")
    unsubscribe([left.pk, set_.pk, removed.pk, 10**9])
    assert dict(Profile.objects.values_list("pk", "fields__newsletter")) == {left.pk: "yes", set_.pk: "no"}


def test_fields_that_no_profile_can_hold_are_refused() -> None:
    database = make_database()
    database.unsubscribe_fields = {"newsletter": False}
    with pytest.raises(ValidationError, match="holds False"):
        database.save()


def test_a_database_that_sets_fields_says_which() -> None:
    with pytest.raises(ValidationError, match="Say which fields"):
        Database(on_unsubscribe=OnUnsubscribe.SET).clean()


def test_the_database_takes_no_other_word() -> None:
    with pytest.raises(IntegrityError, match="database_on_unsubscribe"):
        Database.objects.filter(pk=make_database().pk).update(on_unsubscribe="sell")
