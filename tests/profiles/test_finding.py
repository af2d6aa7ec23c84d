import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from profiles.finding import profiles_at
from profiles.imports import import_profiles
from profiles.models import Profile
from tests.factories import make_account, make_database, make_profile
from tracking.models import Event

pytestmark = pytest.mark.django_db


def address(profile: Profile) -> str:
    return Profile.objects.values_list("address", flat=True).get(pk=profile.pk)


def test_profiles_are_found_by_the_address_that_they_hold(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    database = make_database()
    ann = make_profile(database, email="Ann@Example.com")
    (bob,) = import_profiles(database, [{"fields": {"email": "bob@example.com"}}])
    with django_assert_num_queries(1):
        found = profiles_at(database.account_id, ["ann@example.com", "Bob <BOB@example.com>", "eve@example.com", ""])
    assert found == {"ann@example.com": ann.pk, "bob@example.com": bob.pk}


def test_profiles_of_another_account_are_not_found() -> None:
    make_profile(email="ann@example.com")
    assert profiles_at(make_account().pk, ["ann@example.com"]) == {}


def test_profiles_without_an_address_are_not_found() -> None:
    profile = make_profile(email="")
    assert profiles_at(profile.account_id, [""]) == {}


def test_of_several_with_one_address_it_is_the_newest_or_that_of_the_database_that_was_named() -> None:
    first = make_database()
    second = make_database(first.account)
    old, new = make_profile(first, email="ann@example.com"), make_profile(second, email="ann@example.com")
    assert profiles_at(first.account_id, ["ann@example.com"]) == {"ann@example.com": new.pk}
    assert profiles_at(first.account_id, ["ann@example.com"], first.pk) == {"ann@example.com": old.pk}


def test_the_address_follows_the_profile() -> None:
    profile = make_profile(email="ann@example.com")
    profile.fields = {"email": "new@example.com"}
    profile.save(update_fields=["fields"])
    assert address(profile) == "new@example.com"
    profile.fields = {}
    profile.save()
    assert address(profile) == ""


def test_which_field_holds_the_address_is_a_fact_of_the_database() -> None:
    database = make_database()
    profile = make_profile(database, email="ann@example.com", work=" Ann@Work.example ")
    odd = make_profile(database, work="Ann <ann@example.com>")
    events = Event.objects.count()
    database.email_field = "work"
    database.save()
    assert (address(profile), address(odd)) == ("ann@work.example", "")
    assert address(make_profile(database, work="bob@work.example")) == "bob@work.example"
    database.email_field = ""
    database.save()
    assert address(profile) == ""
    assert Event.objects.count() == events + 1, "where an address stands is no change of the profile"


def test_a_look_up_goes_through_the_index() -> None:
    database = make_database()
    import_profiles(database, [{"fields": {"email": f"{number}@example.com"}} for number in range(1000)])
    with connection.cursor() as cursor:
        # What PostgreSQL thinks of a table that was empty a moment ago depends on the tests before.
        cursor.execute("ANALYZE profiles_profile")
    found = Profile.objects.filter(account_id=database.account_id, address__in=["1@example.com", "2@example.com"])
    assert "profile_by_address" in found.order_by().explain()
