import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from profiles.models import Profile
from profiles.signals import profiles_changed
from profiles.snapshots import wire_time
from tests.factories import make_profile
from tests.profiles.telling import forget, told
from tracking.models import Event, Outbox

pytestmark = pytest.mark.django_db


def test_a_new_profile_is_told_with_all_that_was_set() -> None:
    profile = make_profile(city="Ghent")
    assert told() == [
        (
            "create",
            {
                "profile": profile.pk,
                "database": profile.database_id,
                "fields": {"city": "Ghent"},
                "interests": ["shoes"],
                "parameters": {"city": "Ghent"},
                "created": wire_time(profile.created),
                "modified": wire_time(profile.modified),
            },
        )
    ]
    event = Event.objects.get()
    assert event.account_id == profile.account_id == profile.database.account_id
    assert Outbox.objects.get().event_id == event.pk


def test_an_update_is_told_with_what_it_set(profile: Profile) -> None:
    profile.fields = {"city": "Bruges", "age": "42", "shoe": ""}
    profile.interests = ["music"]
    profile.save()
    ((kind, facts),) = told()
    assert kind == "update"
    assert facts["parameters"] == {"city": "Bruges", "shoe": ""}
    assert facts["fields"] == {"city": "Bruges", "age": "42", "shoe": ""}
    assert facts["interests"] == ["music"]
    stored = Profile.objects.get(pk=profile.pk)
    assert facts["modified"] == wire_time(stored.modified)
    assert stored.modified > stored.created


def test_a_field_that_was_taken_away_was_set_to_nothing(profile: Profile) -> None:
    del profile.fields["city"]
    profile.save()
    ((_, facts),) = told()
    assert (facts["parameters"], facts["fields"]) == ({"city": ""}, {"age": "42"})


def test_a_change_of_interests_alone_is_an_update(profile: Profile) -> None:
    profile.interests.append("music")
    profile.save()
    ((kind, facts),) = told()
    assert (kind, facts["parameters"], facts["interests"]) == ("update", {}, ["shoes", "music"])


def test_a_save_that_changes_nothing_is_not_told(profile: Profile) -> None:
    profile.fields = dict(reversed(profile.fields.items()))
    profile.interests = tuple(profile.interests)
    profile.save()
    Profile.objects.get(pk=profile.pk).save()
    assert told() == []


def test_a_second_save_tells_only_what_it_set_itself(profile: Profile) -> None:
    profile.fields["city"] = "Bruges"
    profile.save()
    profile.fields["age"] = "43"
    profile.save()
    assert [facts["parameters"] for _, facts in told()] == [{"city": "Bruges"}, {"age": "43"}]


def test_two_objects_of_one_profile_tell_what_they_do_to_it(profile: Profile) -> None:
    early = Profile.objects.get(pk=profile.pk)
    profile.fields["city"] = "Bruges"
    profile.save()
    early.fields["age"] = "43"
    early.save()
    assert [facts["parameters"] for _, facts in told()] == [{"city": "Bruges"}, {"city": "Ghent", "age": "43"}]
    assert Profile.objects.get(pk=profile.pk).fields == {"city": "Ghent", "age": "43"}


def test_an_old_object_that_undoes_a_change_is_told(profile: Profile) -> None:
    early = Profile.objects.get(pk=profile.pk)
    profile.fields["city"] = "Bruges"
    profile.save()
    early.save()
    assert told()[1][1]["parameters"] == {"city": "Ghent"}


@pytest.mark.parametrize("names", [("interests",), ("fields",), ("id",), ("database", "fields")])
def test_an_object_that_was_loaded_in_part_knows_what_changed(names: tuple[str, ...], profile: Profile) -> None:
    Profile.objects.only(*names).get(pk=profile.pk).save()
    assert told() == []
    part = Profile.objects.only(*names).get(pk=profile.pk)
    part.fields = {"city": "Bruges", "age": "42"}
    part.save()
    ((kind, facts),) = told()
    assert (kind, facts["parameters"], facts["interests"]) == ("update", {"city": "Bruges"}, ["shoes"])
    assert Profile.objects.get(pk=profile.pk).fields == {"city": "Bruges", "age": "42"}


def test_an_object_that_was_refreshed_knows_what_changed(profile: Profile) -> None:
    other = Profile.objects.get(pk=profile.pk)
    other.fields["city"] = "Bruges"
    other.save()
    forget()
    profile.refresh_from_db()
    profile.save()
    assert told() == []
    profile.fields["age"] = "43"
    profile.refresh_from_db(fields=["interests"])
    profile.save()
    assert [facts["parameters"] for _, facts in told()] == [{"age": "43"}]


def test_only_the_fields_that_are_written_are_told(profile: Profile) -> None:
    profile.fields["city"], profile.interests = "Bruges", ["music"]
    profile.save(update_fields=["interests"])
    ((_, facts),) = told()
    assert (facts["fields"], facts["interests"]) == ({"city": "Ghent", "age": "42"}, ["music"])
    stored = Profile.objects.get(pk=profile.pk)
    assert (stored.fields, stored.interests) == (facts["fields"], facts["interests"])
    assert wire_time(stored.modified) == facts["modified"]
    assert stored.modified == profile.modified


def test_fields_that_are_not_written_are_not_told(profile: Profile) -> None:
    profile.fields["city"] = "Bruges"
    profile.save(update_fields=["created"])
    assert told() == []


def test_a_transaction_that_fails_leaves_no_event(profile: Profile) -> None:
    def change_all() -> None:
        with transaction.atomic():
            make_profile(profile.database)
            profile.fields["city"] = "Bruges"
            profile.save()
            profile.delete()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_all()
    assert told() == []
    assert not Outbox.objects.exists()


def test_a_save_that_fails_leaves_no_event(profile: Profile) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Profile(id=profile.pk, database=profile.database).save(force_insert=True)
    assert told() == []


@pytest.mark.django_db(transaction=True)
def test_a_change_that_can_not_be_told_is_not_made() -> None:
    profile = make_profile(city="Ghent")

    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    profiles_changed.connect(fail)
    try:
        profile.fields["city"] = "Bruges"
        with pytest.raises(ZeroDivisionError):
            profile.save()
    finally:
        profiles_changed.disconnect(fail)
    assert Profile.objects.get(pk=profile.pk).fields == {"city": "Ghent"}


@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_time_are_told_one_after_the_other() -> None:
    profile = make_profile(count="0")

    def count_up() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    mine = Profile.locked(profile.pk)
                    assert mine
                    mine.fields["count"] = str(int(mine.fields["count"]) + 1)
                    mine.save()
        finally:
            connection.close()

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = [facts["parameters"]["count"] for _, facts in told()]
    assert sorted(counts, key=int) == [str(number) for number in range(31)]
