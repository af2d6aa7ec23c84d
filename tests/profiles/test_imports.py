from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from profiles.imports import BATCH, import_profiles
from profiles.models import Database, Profile
from profiles.signals import profiles_changed
from profiles.snapshots import ProfileChange
from tests.factories import make_account, make_database
from tests.promptness import within
from tracking.models import Event, Outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def database(db: None) -> Database:
    return make_database()


def test_rows_become_profiles_in_their_order(database: Database) -> None:
    rows: list[dict[str, Any]] = [{"fields": {"a[b].c": "é📬\n", "": ""}}, {"interests": ["shoes", ""]}, {}]
    profiles = import_profiles(database, rows)
    stored = Profile.objects.order_by("id")
    assert list(stored) == profiles
    assert [profile.fields for profile in stored] == [{"a[b].c": "é📬\n", "": ""}, {}, {}]
    assert [profile.interests for profile in stored] == [[], ["shoes", ""], []]
    assert {(profile.account_id, profile.database_id) for profile in stored} == {(database.account_id, database.pk)}


def test_each_row_is_told_as_a_creation(database: Database) -> None:
    (first, second) = import_profiles(database, [{"fields": {"city": "Ghent"}}, {"interests": ["shoes"]}])
    events = Event.objects.order_by("id")
    assert [event.type for event in events] == ["create", "create"]
    assert [event.data["profile"] for event in events] == [first.pk, second.pk]
    assert events[0].data["parameters"] == events[0].data["fields"] == {"city": "Ghent"}
    assert {event.account_id for event in events} == {database.account_id}
    assert Outbox.objects.count() == 2


def test_an_imported_profile_knows_what_is_stored(database: Database) -> None:
    (profile,) = import_profiles(database, [{"fields": {"city": "Ghent"}}])
    profile.save()
    assert Event.objects.count() == 1


def test_the_rows_stay_their_owners(database: Database) -> None:
    rows: list[dict[str, Any]] = [{"fields": {"city": "Ghent"}, "interests": ["shoes"]}]
    (profile,) = import_profiles(database, rows)
    profile.fields["city"], profile.interests[0] = "Bruges", "music"
    assert rows == [{"fields": {"city": "Ghent"}, "interests": ["shoes"]}]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"fields": {"age": 42}}, "'age' holds 42"),
        ({"fields": None}, "map from a name"),
        ({"fields": {"city": "\0"}}, "NUL"),
        ({"interests": "shoes"}, "list of texts"),
        ({"interests": ["\ud83d"]}, "surrogate"),
        ({"name": "Ann", 7: ""}, "'name' is not part of a row"),
        (None, "A row is a map"),
        (["fields"], "A row is a map"),
    ],
)
def test_one_bad_row_refuses_all_and_is_named_by_its_number(row: Any, problem: str, database: Database) -> None:
    good = {"fields": {"city": "Ghent"}}
    with pytest.raises(ValidationError, match=f"Row 3: .*{problem}.* Nothing was imported") as refused:
        import_profiles(database, [good, good, row, good])
    assert len(refused.value.messages) == 1
    assert not Profile.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_database_of_another_account_is_refused(database: Database) -> None:
    database.account = make_account()
    with pytest.raises(IntegrityError, match="profile_database_of_account"):
        import_profiles(database, [{}, {}])
    assert not Profile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_error_on_the_way_leaves_nothing(database: Database) -> None:
    def fail_in_the_end(changes: list[ProfileChange], **kwargs: Any) -> None:
        if len(changes) < BATCH:
            raise ZeroDivisionError

    profiles_changed.connect(fail_in_the_end)
    try:
        with pytest.raises(ZeroDivisionError):
            import_profiles(database, [{}] * (BATCH + 1))
    finally:
        profiles_changed.disconnect(fail_in_the_end)
    assert not Profile.objects.exists()
    assert not Event.objects.exists()


def test_no_rows_are_no_trouble(database: Database) -> None:
    assert import_profiles(database, []) == []


def test_ten_thousand_rows_take_few_queries_and_seconds(database: Database) -> None:
    rows = [{"fields": {"name": f"No. {number}", "city": "Ghent"}, "interests": ["a"]} for number in range(10_000)]
    with within(15), CaptureQueriesContext(connection) as queries:
        import_profiles(database, rows)
    assert len(queries) < 50
    assert Profile.objects.count() == Event.objects.count() == Outbox.objects.count() == 10_000
