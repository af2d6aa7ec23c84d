"""What of a profile is kept, refused and removed."""

import random
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from profiles.models import Account, Database, Profile
from tests.factories import make_account, make_database, make_profile
from tests.profiles.telling import forget, told
from tracking.models import Event

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"": ""},
        {"empty": ""},
        {"a[b]": "1", "a.b": "2", "a b": "3", "a]": "4", "[": "5", "a": "6", "A": "7"},
        {"naïve ключ 名前 📬": "Ünïcode значение 値 📬"},
        {"quotes": "'\"\\ {} , NULL $1 %s", "lines": "a\r\nb\tc\x01\x7f\u2028"},
        {"long": "".join(random.Random(1).choices("abcé📬", k=10_000))},
        {"n" * 10_000: "v"},
        {str(number): "x" for number in range(500)},
    ],
)
def test_fields_survive_as_they_are(fields: dict[str, str]) -> None:
    profile = Profile.objects.create(database=make_database(), fields=fields)
    assert Profile.objects.get(pk=profile.pk).fields == fields
    (_, facts) = told()[0]
    assert (facts["fields"], facts["parameters"]) == (fields, fields)


@pytest.mark.parametrize("interests", [[], [""], ["NULL", "{}", 'a,"b"', "\\"], ["é📬", "x" * 10_000], ["b", "a", "b"]])
def test_interests_survive_as_they_are(interests: list[str]) -> None:
    profile = Profile.objects.create(database=make_database(), interests=interests)
    assert Profile.objects.get(pk=profile.pk).interests == interests
    assert told()[0][1]["interests"] == interests


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"fields": {"age": 42}}, "'age' holds 42"),
        ({"fields": {"city": "\0"}}, "NUL"),
        ({"fields": {"city": "\ud83d"}}, "surrogate"),
        ({"fields": ["city"]}, "map"),
        ({"fields": None}, "map"),
        ({"interests": ["\0"]}, "NUL"),
        ({"interests": ["\udc00"]}, "surrogate"),
        ({"interests": "shoes"}, "list"),
        ({"interests": None}, "list"),
    ],
)
def test_what_can_not_be_kept_is_refused_with_the_reason(
    values: dict[str, Any], problem: str, profile: Profile
) -> None:
    for name, value in values.items():
        setattr(profile, name, value)
    with pytest.raises(ValidationError, match=problem):
        profile.save()
    with pytest.raises(ValidationError, match=problem):
        Profile.objects.create(database=profile.database, **values)
    assert told() == []


def test_a_profile_may_move_within_its_account(profile: Profile) -> None:
    profile.database = make_database(profile.database.account)
    profile.save()
    ((kind, facts),) = told()
    assert (kind, facts["database"], facts["parameters"]) == ("update", profile.database_id, {})


@pytest.mark.parametrize("options", [{}, {"update_fields": ["database"]}])
def test_a_profile_does_not_move_to_another_account(options: dict[str, Any], profile: Profile) -> None:
    home = profile.database_id
    profile.database = make_database()
    with pytest.raises(ValidationError, match="same account"):
        profile.save(**options)
    stored = Profile.objects.get(pk=profile.pk)
    assert (stored.database_id, stored.account_id) == (home, stored.database.account_id)
    assert told() == []


def test_the_database_refuses_a_profile_of_another_account(profile: Profile) -> None:
    stranger = make_account()
    update = "SET CONSTRAINTS ALL IMMEDIATE; UPDATE profiles_profile SET account_id = %s WHERE id = %s"
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="profile_database_of_account"):
        cursor.execute(update, [stranger.pk, profile.pk])


def test_shortcuts_that_would_tell_nothing_are_refused(profile: Profile) -> None:
    with pytest.raises(TypeError, match=r"records no events.*import_profiles"):
        Profile.objects.filter(pk=profile.pk).update(interests=[])
    with pytest.raises(TypeError, match=r"records no events.*import_profiles"):
        profile.database.profiles.update(interests=[])
    with pytest.raises(TypeError, match=r"records no events.*import_profiles"):
        Profile.objects.bulk_create([Profile(database=profile.database)])
    with pytest.raises(TypeError, match=r"records no events.*import_profiles"):
        Profile.objects.bulk_update([profile], ["interests"])
    assert Profile.objects.get().interests == ["shoes"]


def test_get_or_create_and_update_or_create_tell_like_a_save(profile: Profile) -> None:
    Profile.objects.update_or_create(pk=profile.pk, defaults={"interests": ["music"]})
    Profile.objects.get_or_create(database=profile.database, interests=["art"])
    assert [(kind, facts["interests"]) for kind, facts in told()] == [("update", ["music"]), ("create", ["art"])]


def test_a_deletion_tells_what_went(profile: Profile) -> None:
    number = profile.pk
    profile.delete()
    assert told() == [
        (
            "delete",
            {
                "profile": number,
                "database": profile.database_id,
                "fields": {"city": "Ghent", "age": "42"},
                "interests": ["shoes"],
            },
        )
    ]
    assert Event.objects.get().account_id == profile.account_id


def test_what_went_is_what_the_database_held(profile: Profile) -> None:
    early = Profile.objects.only("id").get(pk=profile.pk)
    profile.fields["city"] = "Bruges"
    profile.save()
    early.interests = ["never saved"]
    early.delete()
    kind, facts = told()[1]
    assert (kind, facts["fields"]["city"], facts["interests"]) == ("delete", "Bruges", ["shoes"])


def test_a_profile_goes_once(profile: Profile) -> None:
    twin = Profile.objects.get(pk=profile.pk)
    profile.delete()
    twin.delete()
    assert [kind for kind, _ in told()] == ["delete"]


def test_a_deletion_of_many_tells_of_each(profile: Profile) -> None:
    others = [make_profile(profile.database, name=name) for name in "abc"]
    forget()
    Profile.objects.filter(pk__in=[other.pk for other in others]).only("id").delete()
    assert [(kind, facts["profile"]) for kind, facts in told()] == [("delete", other.pk) for other in others]
    assert Profile.objects.get() == profile


def test_a_database_with_profiles_stays(profile: Profile) -> None:
    with pytest.raises(ProtectedError):
        profile.database.delete()
    with pytest.raises(ProtectedError):
        Account.objects.get(pk=profile.account_id).delete()
    assert told() == []


def test_names_of_databases_are_unique_in_their_account() -> None:
    database = make_database()
    Database.objects.create(account=make_account(), name=database.name)
    with pytest.raises(IntegrityError, match="database_name_unique_in_account"), transaction.atomic():
        Database.objects.create(account=database.account, name=database.name)
