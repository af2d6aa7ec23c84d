"""Databases and collections are renamed, and go once nothing needs them."""

from typing import Any

import pytest

from profiles.models import Collection, Database
from tests.api.program import Program, faults, problem, told
from tests.factories import make_collection, make_database, make_loop, make_profile, make_subprofile

pytestmark = pytest.mark.django_db


@pytest.fixture
def database(program: Program) -> Database:
    return make_database(program.account)


def refused(program: Program, address: str) -> str:
    """Why it can't be deleted."""
    words: str = problem(program.delete(address), 409)["detail"]
    told(program.get(address))
    return words


def test_a_database_goes_once_nothing_needs_it(program: Program, database: Database) -> None:
    address = f"/databases/{database.pk}"
    loop, profile, collection = make_loop(database.account), make_profile(database), make_collection(database)
    loop.databases.add(database)
    needed: list[tuple[Any, str]] = [
        (lambda: profile.delete(), "profiles"),
        (lambda: collection.delete(), "collections"),
        (lambda: loop.databases.clear(), "feedback loops"),
    ]
    for number, (remove, _name) in enumerate(needed):
        words = refused(program, address)
        assert [name in words for _, name in needed] == [place >= number for place in range(3)]
        remove()
    told(program.delete(address), 204)
    problem(program.get(address), 404)
    problem(program.delete(address), 404)


def test_a_database_is_renamed_to_a_name_that_its_account_does_not_have_yet(
    program: Program, database: Database
) -> None:
    address = f"/databases/{database.pk}"
    assert told(program.patch(address, {"name": "Clients"}))["name"] == "Clients"
    other = make_database(database.account)
    assert problem(program.patch(address, {"name": other.name}), 422)
    assert told(program.get(address))["name"] == "Clients"


def test_a_collection_is_renamed_and_stays_in_its_database(program: Program, database: Database) -> None:
    collection = make_collection(database)
    address = f"/collections/{collection.pk}"
    made = told(program.get(address))
    assert told(program.patch(address, {"name": "Invoices"})) == made | {"name": "Invoices"}
    assert told(program.patch(address, {})) == told(program.get(address))
    told(program.post(f"/databases/{database.pk}/collections", {"name": "Orders"}), 201)
    assert problem(program.patch(address, {"name": "Orders"}), 422)
    assert faults(program.patch(address, {"database": 1})) == ["body.database"]
    assert Collection.objects.get(pk=collection.pk).name == "Invoices"


def test_a_collection_goes_once_it_has_no_subprofiles(program: Program, database: Database) -> None:
    collection = make_collection(database)
    subprofile = make_subprofile(make_profile(database), collection)
    address = f"/collections/{collection.pk}"
    assert "subprofiles" in refused(program, address)
    subprofile.delete()
    told(program.delete(address), 204)
    problem(program.get(address), 404)
