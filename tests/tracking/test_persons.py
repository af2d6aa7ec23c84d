"""Whom an event is about."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from feedbackloops.fanout import fan_out
from profiles.models import Database
from tests.dashboard import text
from tests.factories import (
    make_account,
    make_database,
    make_events,
    make_message,
    make_profile,
    make_subprofile,
    make_verified_loop,
)
from tracking.models import Event
from tracking.persons import persons_of

pytestmark = pytest.mark.django_db


def persons() -> list[str]:
    events = list(Event.objects.order_by("id"))
    named = persons_of(events)
    return [named[event.pk] for event in events]


def test_an_event_of_a_mail_is_about_its_recipient() -> None:
    make_events(make_message(recipient="ann@example.com"))
    assert persons() == ["ann@example.com"]


def test_an_event_of_a_profile_is_about_the_address_that_it_had() -> None:
    database = make_database()
    Database.objects.filter(pk=database.pk).update(email_field="mail")
    profile = make_profile(Database.objects.get(pk=database.pk), mail="Ann@example.com", email="old@example.com")
    profile.fields = {"mail": "ann@example.org"}
    profile.save()
    profile.delete()
    assert persons() == ["ann@example.com", "ann@example.org", "ann@example.org"]


def test_without_an_address_it_is_about_the_number_of_the_profile() -> None:
    profile = make_profile(city="Delft")
    make_subprofile(profile, email="shop@example.com")
    assert persons() == [f"Profile {profile.pk}"] * 2


def test_what_is_about_nobody_we_know_stays_nameless() -> None:
    message = make_message()
    make_events(message)
    message.delete()
    assert persons() == ["–"]


def test_many_profiles_are_named_with_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    database = make_database()
    for number in range(5):
        make_profile(database, email=f"ann{number}@example.com")
    events = list(Event.objects.all())
    with django_assert_num_queries(1):
        assert len(set(persons_of(events).values())) == 5


@pytest.mark.parametrize(
    "page", ["admin:index", "admin:tracking_event_changelist", "admin:feedbackloops_delivery_changelist"]
)
def test_lists_say_so_of_what_happened_to_a_profile(admin_client: Client, page: str) -> None:
    account = make_account()
    make_verified_loop(account, event_types=["create"])
    make_profile(make_database(account), email="ann@example.com")
    fan_out(list(Event.objects.values_list("pk", flat=True)))
    assert "ann@example.com" in text(admin_client.get(reverse(page)))
