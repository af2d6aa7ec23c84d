"""Databases and profiles, as programs use them."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from feedbackloops import doorbell
from feedbackloops.models import Forgetting
from profiles.models import Database, Profile
from tests.api.program import Program, faults, problem, told
from tests.dashboard import Rings
from tests.factories import make_database, make_message, make_profile
from tests.feedbackloops.forgetting.person import forget
from tests.promptness import within
from tracking.models import Event, Refusal


@pytest.fixture
def database(program: Program) -> Database:
    return make_database(program.account)


def upsert(program: Program, database: Database, *profiles: Any, **more: Any) -> list[tuple[int, str]]:
    answer = program.post(f"/databases/{database.pk}/profiles", {"profiles": list(profiles), **more})
    return [(each["id"], each["action"]) for each in told(answer)["items"]]


def events() -> list[tuple[str, dict[str, str]]]:
    return [(event.type, event.data["fields"]) for event in Event.objects.order_by("pk")]


def test_a_database_is_made_listed_seen_and_changed(program: Program) -> None:
    made = told(program.post("/databases", {"name": "Customers", "email_field": "mail"}), 201)
    assert (made["name"], made["email_field"], made["on_unsubscribe"]) == ("Customers", "mail", "nothing")
    assert made["created"].endswith("Z")
    assert told(program.get(f"/databases/{made['id']}")) == made
    assert told(program.get("/databases"))["items"] == [made]
    change = {"on_unsubscribe": "set", "unsubscribe_fields": {"newsletter": "no"}}
    assert told(program.patch(f"/databases/{made['id']}", change)) == made | change
    assert faults(program.patch(f"/databases/{made['id']}", {"unsubscribe_fields": {}})) == ["body.unsubscribe_fields"]
    assert told(program.patch(f"/databases/{made['id']}", {})) == made | change


def test_a_list_comes_in_pages_that_lead_to_each_other(program: Program) -> None:
    made = [told(program.post("/databases", {"name": f"No. {n}"}), 201)["id"] for n in range(5)]
    seen, address = [], "/databases?size=2"
    while address:
        page = told(program.get(address))
        seen += [each["id"] for each in page["items"]]
        address = page["next"] and f"/databases?size=2&cursor={page['next']}"
    assert seen == made


def test_people_are_made_where_they_are_not_there_and_changed_where_they_are(
    program: Program, database: Database
) -> None:
    ann = {"fields": {"email": "ann@example.com", "city": "Utrecht"}, "interests": ["shoes"]}
    ((number, action),) = upsert(program, database, ann)
    assert action == "create"
    assert upsert(program, database, ann) == [(number, "none")]
    assert upsert(program, database, {"fields": {"email": "Ann@Example.com", "age": "30"}}) == [(number, "update")]
    stored = Profile.objects.get()
    assert stored.fields == {"email": "Ann@Example.com", "city": "Utrecht", "age": "30"}
    assert stored.interests == ["shoes"]
    assert upsert(program, database, {"id": number, "fields": {"email": "x@example.com"}}, replace=True) == [
        (number, "update")
    ]
    stored.refresh_from_db()
    assert (stored.fields, stored.address) == ({"email": "x@example.com"}, "x@example.com")
    assert [each[0] for each in events()] == ["create", "update", "update"]


def test_somebody_who_is_told_of_twice_at_once_is_one_person(program: Program, database: Database) -> None:
    first, second = upsert(
        program,
        database,
        {"fields": {"email": "bob@example.com", "a": "1"}},
        {"fields": {"email": "bob@example.com", "a": "2"}},
    )
    assert first == second
    assert events() == [("create", {"email": "bob@example.com", "a": "2"})]


def test_somebody_without_an_address_is_new_each_time(program: Program, database: Database) -> None:
    assert len({number for number, _ in upsert(program, database, {"fields": {"a": "1"}}, {"fields": {"a": "1"}})}) == 2


def test_nothing_is_changed_where_one_of_the_people_is_not_there(program: Program, database: Database) -> None:
    elsewhere = make_profile(make_database(program.account))
    for number in (elsewhere.pk, 987654321):
        body = {"profiles": [{"fields": {"email": "new@example.com"}}, {"id": number}]}
        assert faults(program.post(f"/databases/{database.pk}/profiles", body)) == ["body.profiles.1"]
    assert not Profile.objects.filter(database=database).exists()


def test_a_thousand_people_are_a_handful_of_queries(program: Program, database: Database) -> None:
    people = [{"fields": {"email": f"u{n}@example.com", "n": str(n)}} for n in range(1000)]
    with within(3):
        assert {action for _, action in upsert(program, database, *people)} == {"create"}
    for person in people:
        person["fields"]["n"] += "0"
    with CaptureQueriesContext(connection) as queries, within(3):
        assert {action for _, action in upsert(program, database, *people)} == {"update"}
    assert len(queries) < 20
    assert Event.objects.count() == 2000
    assert Profile.objects.get(address="u7@example.com").fields == {"email": "u7@example.com", "n": "70"}
    assert faults(program.post(f"/databases/{database.pk}/profiles", {"profiles": [{}] * 1001})) == ["body.profiles"]


def test_a_person_is_seen_changed_found_and_removed(program: Program, database: Database) -> None:
    profile = make_profile(database, email="ann@example.com", city="Utrecht")
    address = f"/profiles/{profile.pk}"
    assert told(program.get(address))["fields"] == {"email": "ann@example.com", "city": "Utrecht"}
    changed = told(program.patch(address, {"fields": {"city": "Delft"}, "interests": []}))
    assert (changed["fields"]["city"], changed["interests"]) == ("Delft", [])
    found = told(program.get(f"/databases/{database.pk}/profiles?email=ANN@example.com"))["items"]
    assert [each["id"] for each in found] == [profile.pk]
    assert told(program.get(f"/databases/{database.pk}/profiles?email=bob@example.com"))["items"] == []
    told(program.delete(address), 204)
    problem(program.get(address), 404)
    assert [each[0] for each in events()] == ["create", "update", "delete"]


def test_people_who_say_no_are_no_longer_tracked(program: Program, database: Database) -> None:
    told(program.patch(f"/databases/{database.pk}", {"consent": "opt-out", "consent_field": "tracking"}))
    ann = {"email": "ann@example.com"}
    upsert(program, database, {"fields": ann})
    message = make_message(Profile.objects.get())
    upsert(program, database, {"fields": ann | {"tracking": "no"}})
    assert not Profile.objects.get().tracked
    assert Refusal.objects.get(pk=message.pk).refused
    upsert(program, database, {"fields": ann | {"tracking": "yes"}})
    assert Profile.objects.get().tracked


def test_a_person_is_forgotten_and_how_far_it_has_come_can_be_asked(
    program: Program, database: Database, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SPOOL_DIR, settings.ANSWER_SECONDS = tmp_path, -7.5
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    profile = make_profile(database, email="ann@example.com")
    make_message(profile)
    order = told(program.post(f"/profiles/{profile.pk}/forget", {}), 202)
    assert (order["finished"], order["left"]) == (None, None)
    assert told(program.get(f"/forgettings/{order['id']}")) == order
    assert told(program.post(f"/profiles/{profile.pk}/forget", {}), 202)["id"] == order["id"]
    forget(Forgetting.objects.get())
    done = told(program.get(f"/forgettings/{order['id']}"))
    assert (done["left"], done["removed"]["messages"]) == ({}, 1)
    assert problem(program.get(f"/profiles/{profile.pk}"), 404)
    assert problem(program.post(f"/profiles/{make_profile().pk}/forget", {}), 404)


def test_who_shares_an_address_with_somebody_being_forgotten_gets_an_order_of_its_own(
    program: Program, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "_doorbell", lambda: Rings())
    people = [make_profile(database, email="ann@example.com") for _ in range(2)]
    orders = [told(program.post(f"/profiles/{person.pk}/forget", {}), 202)["id"] for person in people]
    assert [Forgetting.objects.get(pk=order).profiles for order in orders] == [[person.pk] for person in people]


def test_a_person_of_several_databases_is_counted_and_forgotten_in_one_or_in_all(
    program: Program, database: Database, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SPOOL_DIR, settings.ANSWER_SECONDS = tmp_path, -7.5
    monkeypatch.setattr(doorbell, "_doorbell", lambda: Rings())
    places = [database, make_database(database.account), make_database()]
    here, there, elsewhere = people = [make_profile(place, email="ann@example.com") for place in places]
    for person in people:
        make_message(person)
    path = f"/profiles/{here.pk}/forget"
    one, all_of_them = told(program.get(path)), told(program.get(f"{path}?everywhere=true"))
    assert (one["counts"]["profiles"], one["counts"]["messages"], one["others"]) == (1, 1, [there.pk])
    counts = all_of_them["counts"]
    assert (counts["profiles"], counts["messages"], all_of_them["others"]) == (2, 2, [])
    assert not Forgetting.objects.exists()
    told(program.post(path, {"everywhere": True}), 202)
    order = forget(Forgetting.objects.get())
    assert (order.left, order.removed["profiles"], order.removed["messages"]) == ({}, 2, 2)
    assert list(Profile.objects.all()) == [elsewhere]
    assert problem(program.get(f"/profiles/{elsewhere.pk}/forget"), 404)


def test_a_person_is_forgotten_without_a_word_of_where(
    program: Program, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "_doorbell", lambda: Rings())
    profile = make_profile(database, email="ann@example.com")
    assert told(program.post(f"/profiles/{profile.pk}/forget"), 202)["finished"] is None
