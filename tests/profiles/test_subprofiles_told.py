"""Each way in which a subprofile comes, changes or goes: it is told once, as it then stands."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from profiles.models import Profile, Subprofile
from profiles.upserting import Told, upsert_profiles
from tests.dashboard import staff, url
from tests.factories import make_profile, make_subprofile
from tests.profiles.telling import forget, told
from tests.tracking.samples import wait_until
from tracking.models import Event
from tracking.statements import run

pytestmark = pytest.mark.django_db

FIELDS = {"order": "1042", "total": "89.95"}
KEPT = {"order": "1042", "total": "89.95", "state": "sent"}


@pytest.fixture
def subprofile() -> Subprofile:
    made = make_subprofile(make_profile(name="Ann"), None, **FIELDS)
    forget()
    return made


def of(subprofile: Subprofile, **more: Any) -> dict[str, Any]:
    """What is told of it, but for when it was made and changed."""
    place = {"profile": subprofile.profile_id, "subprofile": subprofile.pk, "collection": subprofile.collection_id}
    return {**place, "database": subprofile.collection.database_id, **more}


def told_of_subprofiles() -> list[tuple[str, dict[str, Any]]]:
    return [
        (kind, {name: value for name, value in facts.items() if name not in ("created", "modified")})
        for kind, facts in told()
        if "subprofile" in facts
    ]


def by_form(subprofile: Subprofile) -> None:
    client = staff("profiles.view_subprofile", "profiles.change_subprofile")
    page = url("profiles_subprofile", "change", subprofile.pk)
    fields = '{"order": "1042", "total": "89.95", "state": "sent"}'
    assert client.post(page, {"fields": fields}).status_code == 302


def by_save(subprofile: Subprofile) -> None:
    subprofile.fields = KEPT
    subprofile.save(update_fields=["fields"])


def by_update_or_create(subprofile: Subprofile) -> None:
    Subprofile.objects.update_or_create(pk=subprofile.pk, defaults={"fields": KEPT})


def by_a_row_loaded_in_part(subprofile: Subprofile) -> None:
    part = Subprofile.objects.only("id").get(pk=subprofile.pk)
    part.fields = KEPT
    part.save()


@pytest.mark.parametrize("change", [by_form, by_save, by_update_or_create, by_a_row_loaded_in_part])
def test_a_change_is_told_once_whoever_makes_it(subprofile: Subprofile, change: Callable[[Subprofile], None]) -> None:
    change(subprofile)
    assert told_of_subprofiles() == [("update", of(subprofile, fields=KEPT, parameters={"state": "sent"}))]
    assert {"created", "modified"} <= Event.objects.get().data.keys()
    change(subprofile)
    assert len(told()) == 1


@pytest.mark.parametrize("make", ["create", "get_or_create", "update_or_create", "of its profile"])
def test_a_new_one_is_told_once_however_it_is_made(subprofile: Subprofile, make: str) -> None:
    place: dict[str, Any] = {"collection": subprofile.collection, "fields": {"order": "7"}}
    if make == "of its profile":
        subprofile.profile.subprofiles.create(**place)
    else:
        getattr(Subprofile.objects, make)(profile=subprofile.profile, **place)
    made = Subprofile.objects.latest("pk")
    assert told_of_subprofiles() == [("create", of(made, fields={"order": "7"}, parameters={"order": "7"}))]


def by_its_page(subprofile: Subprofile) -> None:
    client = staff("profiles.view_subprofile", "profiles.delete_subprofile")
    client.post(url("profiles_subprofile", "delete", subprofile.pk), {"post": "yes"})


def by_the_action_of_the_list(subprofile: Subprofile) -> None:
    client = staff("profiles.view_subprofile", "profiles.delete_subprofile")
    chosen = {"action": "delete_selected", "_selected_action": [subprofile.pk], "post": "yes"}
    client.post(url("profiles_subprofile", "changelist"), chosen)


def by_the_page_of_its_profile(subprofile: Subprofile) -> None:
    rights = (f"profiles.{right}_{model}" for right in ("view", "delete") for model in ("profile", "subprofile"))
    client = staff(*rights)
    client.post(url("profiles_profile", "delete", subprofile.profile_id), {"post": "yes"})


def by_a_query(subprofile: Subprofile) -> None:
    Subprofile.objects.filter(pk=subprofile.pk).only("id").delete()


def by_a_query_of_its_profile(subprofile: Subprofile) -> None:
    Profile.objects.filter(pk=subprofile.profile_id).only("id").delete()


def by_the_collection(subprofile: Subprofile) -> None:
    subprofile.collection.subprofiles.all().delete()
    subprofile.collection.delete()


def twice(subprofile: Subprofile) -> None:
    twin = Subprofile.objects.get(pk=subprofile.pk)
    subprofile.profile.delete()
    twin.delete()


@pytest.mark.parametrize(
    "remove",
    [
        by_its_page,
        by_the_action_of_the_list,
        by_the_page_of_its_profile,
        by_a_query,
        by_a_query_of_its_profile,
        by_the_collection,
        twice,
    ],
)
def test_one_that_goes_is_told_once_as_the_database_had_it(
    subprofile: Subprofile, remove: Callable[[Subprofile], None]
) -> None:
    facts = of(subprofile, fields=FIELDS)
    subprofile.fields = {"never": "saved"}
    remove(subprofile)
    assert not Subprofile.objects.exists()
    assert told_of_subprofiles() == [("delete", facts)]


def waiting_for_a_row() -> int:
    # Who is there is otherwise as it was when the transaction first asked.
    run("SELECT count(*) FROM (SELECT pg_stat_clear_snapshot()) s")
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return int(run(query)[0][0])


@pytest.mark.django_db(transaction=True)
def test_one_that_two_remove_at_once_goes_once(subprofile: Subprofile) -> None:
    def remove() -> None:
        Subprofile.objects.all().delete()
        connection.close()

    with transaction.atomic():
        Subprofile.objects.select_for_update().get()
        threads = [threading.Thread(target=remove) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: waiting_for_a_row() == len(threads))
    for thread in threads:
        thread.join()
    assert [kind for kind, _ in told_of_subprofiles()] == ["delete"]


def test_what_its_profile_does_is_not_told_of_it(subprofile: Subprofile) -> None:
    profile = subprofile.profile
    profile.interests = ["hats"]
    profile.save()
    upsert_profiles(profile.database, [Told({"name": "Bo"}, number=profile.pk)])
    assert [kind for kind, _ in told()] == ["update", "update"]
    assert told_of_subprofiles() == []


def test_a_person_who_is_forgotten_leaves_no_word_of_what_was_theirs(subprofile: Subprofile) -> None:
    call_command("forget", str(subprofile.profile_id), "--yes", verbosity=0)
    assert not Subprofile.objects.exists()
    assert told() == []
