"""Collections, subprofiles, and what is told of them."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test import Client

from profiles.models import Collection, Profile, Subprofile
from profiles.unsubscribing import unsubscribe
from tests.dashboard import staff, text, url
from tests.factories import make_account, make_collection, make_database, make_profile, make_subprofile
from tracking.models import Event, Outbox

pytestmark = pytest.mark.django_db

SUBPROFILE = "profiles_subprofile"


@pytest.fixture
def subprofile() -> Subprofile:
    made = make_subprofile(make_profile(name="Ann"), order="1042", total="89.95")
    Event.objects.all().delete()
    return made


def told() -> list[tuple[str, dict[str, Any]]]:
    """What was told, in the order of time, less when it was."""
    events = Event.objects.order_by("pk").values_list("type", "data")
    return [(type, {name: data[name] for name in data if name not in ("created", "modified")}) for type, data in events]


def facts_of(subprofile: Subprofile) -> dict[str, Any]:
    return {
        "profile": subprofile.profile_id,
        "subprofile": subprofile.pk,
        "collection": subprofile.collection_id,
        "database": subprofile.collection.database_id,
    }


def test_a_new_subprofile_is_told_with_all_that_was_set() -> None:
    profile = make_profile()
    Event.objects.all().delete()

    made = make_subprofile(profile, order="1042")

    assert told() == [("create", {**facts_of(made), "fields": {"order": "1042"}, "parameters": {"order": "1042"}})]
    event = Event.objects.get()
    assert {"created", "modified"} <= event.data.keys()
    assert (event.account_id, event.message_id) == (profile.account_id, None)
    assert Outbox.objects.filter(pk=event.pk).exists()


def test_an_update_is_told_with_what_it_set(subprofile: Subprofile) -> None:
    subprofile.fields = {"order": "1042", "state": "sent"}
    subprofile.save()
    change = {"state": "sent", "total": ""}
    assert told() == [("update", {**facts_of(subprofile), "fields": subprofile.fields, "parameters": change})]


def test_only_what_is_written_is_told(subprofile: Subprofile) -> None:
    before = subprofile.modified
    subprofile.save()
    subprofile.fields = {"order": "2"}
    subprofile.save(update_fields=["modified"])
    assert told() == []
    subprofile.save(update_fields=["fields"])
    assert [type for type, _ in told()] == ["update"]
    assert Subprofile.objects.get().modified > before


def test_a_deletion_tells_what_went(subprofile: Subprofile) -> None:
    facts = facts_of(subprofile)
    Subprofile.objects.all().delete()
    assert told() == [("delete", {**facts, "fields": {"order": "1042", "total": "89.95"}})]


def test_with_a_profile_go_its_subprofiles_each_told_of(subprofile: Subprofile) -> None:
    make_subprofile(subprofile.profile, subprofile.collection)
    Event.objects.all().delete()
    subprofile.profile.delete()
    assert sorted(("subprofile" in data, type) for type, data in told()) == [(False, "delete"), *[(True, "delete")] * 2]
    assert not Subprofile.objects.exists()


def test_an_unsubscribe_that_removes_a_profile_removes_its_subprofiles(subprofile: Subprofile) -> None:
    database = subprofile.collection.database
    database.on_unsubscribe = "remove"
    database.save()
    unsubscribe({subprofile.profile_id})
    assert not Subprofile.objects.exists()
    assert [type for type, _ in told()] == ["delete", "delete"]


def test_a_transaction_that_fails_leaves_no_event(subprofile: Subprofile) -> None:
    subprofile.fields = {}

    def fail() -> None:
        with transaction.atomic():
            subprofile.save()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert told() == []


@pytest.mark.parametrize("fields", [{"a": 1}, [], {"a": "\0"}])
def test_fields_that_can_t_be_kept_are_refused(subprofile: Subprofile, fields: Any) -> None:
    subprofile.fields = fields
    with pytest.raises(ValidationError):
        subprofile.save()


def test_profile_and_collection_are_of_one_database(subprofile: Subprofile) -> None:
    elsewhere = make_collection(make_database(subprofile.account))
    with pytest.raises(ValidationError, match="belongs to another database"):
        make_subprofile(subprofile.profile, elsewhere)


def test_a_subprofile_stays_where_it_is(subprofile: Subprofile) -> None:
    database = subprofile.collection.database
    for name, value in (("profile", make_profile(database)), ("collection", make_collection(database))):
        moved = Subprofile.objects.get()
        setattr(moved, name, value)
        with pytest.raises(ValidationError, match="stays with its profile"):
            moved.save()


def test_what_has_subprofiles_stays_in_its_database(subprofile: Subprofile) -> None:
    other = make_database(subprofile.account)
    for one in (Profile.objects.get(), Collection.objects.get()):
        one.database = other
        with pytest.raises(ValidationError, match="stays in its database"):
            one.save()
    Subprofile.objects.all().delete()
    collection = Collection.objects.get()
    collection.database = other
    collection.save()


def test_a_collection_with_subprofiles_stays_and_so_does_its_database(subprofile: Subprofile) -> None:
    for one in (subprofile.collection, subprofile.collection.database):
        with pytest.raises(ProtectedError):
            one.delete()


def test_names_of_collections_are_unique_in_their_database(subprofile: Subprofile) -> None:
    collection = subprofile.collection
    with pytest.raises(IntegrityError), transaction.atomic():
        Collection.objects.create(database=collection.database, name=collection.name)
    Collection.objects.create(database=make_database(collection.account), name=collection.name)


@pytest.mark.parametrize("table", ["profiles_subprofile", "profiles_collection"])
def test_the_database_refuses_one_of_another_account(subprofile: Subprofile, table: str) -> None:
    statement = f"UPDATE {table} SET account_id = %s; SET CONSTRAINTS ALL IMMEDIATE"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [make_account().pk])


def test_shortcuts_that_would_tell_nothing_are_refused(subprofile: Subprofile) -> None:
    with pytest.raises(TypeError, match="records no events"):
        Subprofile.objects.update(fields={})
    with pytest.raises(TypeError, match="records no events"):
        Subprofile.objects.bulk_create([])
    with pytest.raises(TypeError, match="records no events"):
        Subprofile.objects.bulk_update([], ["fields"])


@pytest.fixture
def client() -> Client:
    rights = ("view", "add", "change", "delete")
    return staff(
        "profiles.view_profile",
        "profiles.view_database",
        *(f"profiles.{right}_{model}" for right in rights for model in ("subprofile", "collection")),
    )


def test_staff_make_a_collection_and_a_subprofile(client: Client) -> None:
    profile = make_profile()
    client.post(url("profiles_collection", "add"), {"name": "Orders", "database": profile.database_id})
    collection = Collection.objects.get()
    assert collection.account_id == profile.account_id
    sent = {"profile": profile.pk, "collection": collection.pk, "fields": '{"order": "1042"}'}
    client.post(url(SUBPROFILE, "add"), sent)
    assert Subprofile.objects.get().fields == {"order": "1042"}


def test_a_collection_of_another_database_is_refused_on_the_form(client: Client, subprofile: Subprofile) -> None:
    other = make_collection(make_database(subprofile.account))
    sent = {"profile": subprofile.profile_id, "collection": other.pk, "fields": "{}"}
    page = text(client.post(url(SUBPROFILE, "add"), sent))
    assert "This collection belongs to another database than the profile." in page
    assert Subprofile.objects.count() == 1


def test_staff_change_fields_only(client: Client, subprofile: Subprofile) -> None:
    other = make_profile(subprofile.collection.database)
    client.post(url(SUBPROFILE, "change", subprofile.pk), {"fields": '{"order": "7"}', "profile": other.pk})
    stored = Subprofile.objects.get()
    assert (stored.fields, stored.profile_id) == ({"order": "7"}, subprofile.profile_id)
    assert [type for type, _ in told()][-1] == "update"


def test_a_profiles_page_lists_its_subprofiles(client: Client, subprofile: Subprofile) -> None:
    page = text(client.get(url("profiles_profile", "change", subprofile.profile_id)))
    assert url(SUBPROFILE, "change", subprofile.pk) in page
    assert "order: 1042, total: 89.95" in page
    assert f"{url(SUBPROFILE, 'add')}?profile={subprofile.profile_id}" in page
    page = text(staff("profiles.view_profile").get(url("profiles_profile", "change", subprofile.profile_id)))
    assert "order: 1042" not in page


def test_a_collections_page_leads_to_its_subprofiles_and_theirs_back(client: Client, subprofile: Subprofile) -> None:
    elsewhere = make_subprofile(subprofile.profile, order="7")
    own = url("profiles_collection", "change", subprofile.collection_id)
    page = text(client.get(own))
    assert url(SUBPROFILE, "change", subprofile.pk) in page
    assert url(SUBPROFILE, "change", elsewhere.pk) not in page
    assert url("profiles_profile", "change", subprofile.profile_id) in page
    assert f"{url(SUBPROFILE, 'add')}?collection={subprofile.collection_id}" in page
    assert f'href="{own}"' in text(client.get(url(SUBPROFILE, "change", subprofile.pk)))
    assert f'href="{own}"' in text(client.get(url(SUBPROFILE, "changelist")))
    assert "order: 1042" not in text(staff("profiles.view_collection").get(own))


@pytest.mark.parametrize("owner", ["profile", "collection"])
def test_all_subprofiles_of_one_owner_are_listed(
    client: Client, subprofile: Subprofile, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profiles.belonging.MOST_SHOWN", 1)
    newer = make_subprofile(subprofile.profile, subprofile.collection, order="7")
    elsewhere = make_subprofile(make_profile(make_database(subprofile.account)), order="8")
    number = getattr(subprofile, f"{owner}_id")
    page = text(client.get(url(f"profiles_{owner}", "change", number)))
    assert url(SUBPROFILE, "change", subprofile.pk) not in page
    everything = f"{url(SUBPROFILE, 'changelist')}?{owner}__id__exact={number}"
    assert f'href="{everything}"' in page
    listed = text(client.get(everything))
    found = [each.pk for each in (subprofile, newer, elsewhere) if url(SUBPROFILE, "change", each.pk) in listed]
    assert found == [subprofile.pk, newer.pk]


def test_subprofiles_are_found_by_number_and_by_what_their_fields_hold(client: Client, subprofile: Subprofile) -> None:
    other = make_subprofile(subprofile.profile, subprofile.collection, order="7")
    for term, found in (("89.95", subprofile), (str(other.pk), other)):
        page = text(client.get(url(SUBPROFILE, "changelist"), {"q": term}))
        assert url(SUBPROFILE, "change", found.pk) in page
    assert url(SUBPROFILE, "change", other.pk) not in text(client.get(url(SUBPROFILE, "changelist"), {"q": "89.95"}))


def test_a_collection_that_is_needed_can_not_be_deleted(client: Client, subprofile: Subprofile) -> None:
    assert (
        client.post(url("profiles_collection", "delete", subprofile.collection_id), {"post": "yes"}).status_code == 403
    )
    Subprofile.objects.all().delete()
    client.post(url("profiles_collection", "delete", subprofile.collection_id), {"post": "yes"})
    assert not Collection.objects.exists()
