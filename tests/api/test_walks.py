"""Who reads a list to its end has been told of all that is there then, in whatever order transactions commit."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api import walks
from api.cursors import as_number
from api.walks import Walk, walk_in
from feedbackloops import doorbell
from profiles.imports import import_profiles
from profiles.models import Database, Profile
from tests.api.program import Program, problem, told
from tests.dashboard import Rings
from tests.factories import make_database, make_message, make_profile
from tests.uncommitted import uncommitted
from tracking.models import Message
from tracking.positions import Sight, sight

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[[], Any]


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)


@pytest.fixture
def database(program: Program) -> Database:
    return make_database(program.account)


@pytest.fixture(params=["profiles", "messages"])
def grown(request: pytest.FixtureRequest, program: Program, database: Database) -> tuple[str, Make]:
    """The address of a list, and what makes a row of it."""
    if request.param == "profiles":
        return f"/databases/{database.pk}/profiles", lambda: make_profile(database)
    profile = make_profile(database)
    return "/messages", lambda: make_message(profile)


class Reader:
    """Reads a list, page by page, two rows in each."""

    def __init__(self, program: Program, address: str) -> None:
        self._program, self._address = program, f"{address}?size=2"
        self._next: str | None = ""
        self.pages: list[list[str]] = []

    def turn(self) -> bool:
        """Read the page that follows; whether there is another one."""
        page = told(self._program.get(f"{self._address}&cursor={self._next}" if self._next else self._address))
        self.pages.append([str(each["id"]) for each in page["items"]])
        self._next = page["next"]
        return self._next is not None

    def read_on(self) -> list[str]:
        """Read to the end; all that was told."""
        for _ in range(20):
            if not self.turn():
                return [id for page in self.pages for id in page]
        raise AssertionError("The list has no end.")


def key(row: Any) -> str:
    return str(row.pk)


def test_a_row_that_is_committed_late_is_told_at_the_end(program: Program, grown: tuple[str, Make]) -> None:
    address, make = grown
    late: list[Any] = []
    with uncommitted(lambda: late.append(make())):
        rows = [make() for _ in range(5)]
        reader = Reader(program, address)
        assert reader.turn()
        assert reader.turn()
    told_of = reader.read_on()
    assert sorted(told_of) == sorted(map(key, [*rows, *late]))
    assert told_of[-1] == key(late[0])


def test_a_row_that_is_committed_after_the_last_but_one_page_is_told_as_well(
    program: Program, grown: tuple[str, Make]
) -> None:
    address, make = grown
    rows = [make() for _ in range(3)]
    reader = Reader(program, address)
    assert reader.turn()
    rows += [make() for _ in range(6)]
    assert reader.turn()
    rows.append(make())
    assert sorted(reader.read_on()) == sorted(map(key, rows))


def test_a_list_of_one_page_ends_with_it(program: Program, grown: tuple[str, Make]) -> None:
    address, make = grown
    rows = [make() for _ in range(2)]
    reader = Reader(program, address)
    assert not reader.turn()
    assert sorted(reader.pages[0]) == sorted(map(key, rows))


def test_a_list_that_grows_all_the_time_has_an_end(
    program: Program, grown: tuple[str, Make], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, make = grown
    rows = [make() for _ in range(5)]

    def busy() -> Sight:
        """What is seen, after which another row comes at once."""
        seen = sight()
        rows.append(make())
        return seen

    monkeypatch.setattr(walks, "sight", busy)
    assert sorted(Reader(program, address).read_on()) == sorted(map(key, rows[:-1]))


def test_profiles_come_oldest_first_and_messages_newest_first(program: Program, database: Database) -> None:
    profiles = [make_profile(database) for _ in range(3)]
    messages = [make_message(profiles[0]) for _ in range(3)]
    assert Reader(program, f"/databases/{database.pk}/profiles").read_on() == list(map(key, profiles))
    assert Reader(program, "/messages").read_on() == list(map(key, reversed(messages)))


def test_rows_from_before_positions_were_kept_are_told_by_their_numbers(program: Program, database: Database) -> None:
    rows = [make_profile(database) for _ in range(5)]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE profiles_profile SET position = 0")
    assert Reader(program, f"/databases/{database.pk}/profiles").read_on() == list(map(key, rows))


def test_each_page_is_read_from_the_index(program: Program, database: Database) -> None:
    import_profiles(make_database(program.account), [{}] * 2000)
    import_profiles(database, [{}] * 2000)
    make_message(Profile.objects.filter(database=database)[0])
    messages = [Message(account=program.account, recipient="ann@example.com") for _ in range(2000)]
    Message.objects.bulk_create(messages)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE profiles_profile, tracking_message")
    indexes = {f"/databases/{database.pk}/profiles": "profile_recording", "/messages": "message_recording"}
    for address, index in indexes.items():
        reader = Reader(program, address)
        reader.turn()
        with CaptureQueriesContext(connection) as queries:
            reader.turn()
        plans = [plan(each["sql"]) for each in queries if '"position" <' in each["sql"]]
        assert plans
        assert all(index in each and "Seq Scan" not in each and "Sort" not in each for each in plans), plans


def plan(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("text", ["1:profiles:1-2:::", "1:messages:5:5:5:5", "1:messages:1-2:1-2:1:x", "1:messages:::"])
def test_what_is_no_cursor_of_the_list_is_told_so(program: Program, text: str) -> None:
    assert problem(program.get(f"/messages?cursor={written(text)}"), 400)


def test_a_round_that_begins_has_no_place_yet() -> None:
    assert walk_in("x", written("1:x:1-2-1:::"), as_number) == Walk(Sight(1, 3, (2,)))


def written(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")
