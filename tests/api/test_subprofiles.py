"""Collections and subprofiles, as programs use them."""

import pytest

from profiles.models import Profile
from tests.api.program import Program, faults, problem, told
from tests.factories import make_collection, make_database, make_profile, make_subprofile
from tracking.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile(program: Program) -> Profile:
    return make_profile(make_database(program.account), email="ann@example.com")


def test_a_collection_is_made_listed_and_seen(program: Program, profile: Profile) -> None:
    place = f"/databases/{profile.database_id}/collections"
    made = told(program.post(place, {"name": "Orders"}), 201)
    assert (made["name"], made["database"]) == ("Orders", profile.database_id)
    assert told(program.get(place))["items"] == [made]
    assert told(program.get(f"/collections/{made['id']}")) == made
    assert problem(program.post(place, {"name": "Orders"}), 422)
    assert problem(program.get(f"/collections/{make_collection().pk}"), 404)
    assert problem(program.post(f"/databases/{make_database().pk}/collections", {"name": "Orders"}), 404)


def test_a_subprofile_is_made_changed_and_removed_with_an_event_of_each(program: Program, profile: Profile) -> None:
    collection = make_collection(profile.database)
    place = f"/profiles/{profile.pk}/subprofiles"
    made = told(program.post(place, {"collection": collection.pk, "fields": {"total": "10", "paid": "no"}}), 201)
    assert (made["profile"], made["collection"]) == (profile.pk, collection.pk)
    one = f"/subprofiles/{made['id']}"
    changed = told(program.patch(one, {"fields": {"paid": "yes"}}))
    assert changed["fields"] == {"total": "10", "paid": "yes"}
    assert told(program.patch(one, {"fields": {"paid": "yes"}})) == changed
    assert told(program.get(one)) == changed
    replaced = told(program.patch(one, {"fields": {"total": "11"}, "replace": True}))
    assert replaced["fields"] == {"total": "11"}
    assert told(program.get(place))["items"] == [replaced]
    assert told(program.get(f"{place}?collection={collection.pk + 1}"))["items"] == []
    assert program.delete(one).status_code == 204
    assert problem(program.get(one), 404)
    types = Event.objects.filter(data__subprofile=made["id"]).order_by("pk").values_list("type", flat=True)
    assert list(types) == ["create", "update", "update", "delete"]


def test_a_subprofile_stands_in_a_collection_of_its_profiles_database(program: Program, profile: Profile) -> None:
    elsewhere = make_collection(make_database(program.account))
    place = f"/profiles/{profile.pk}/subprofiles"
    assert faults(program.post(place, {"collection": elsewhere.pk})) == ["body.collection"]
    theirs = make_subprofile(make_profile())
    assert problem(program.patch(f"/subprofiles/{theirs.pk}", {}), 404)
    assert problem(program.delete(f"/subprofiles/{theirs.pk}"), 404)
