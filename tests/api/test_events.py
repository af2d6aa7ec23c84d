"""The order in which events became known, as a program reads it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from api import feed
from feedbackloops.fanout import fan_out
from profiles.models import Account
from tests.api.program import Program, faults, problem, told
from tests.factories import make_account, make_events, make_message, make_profile, make_verified_loop
from tests.uncommitted import uncommitted
from tracking.ids import first_id_at
from tracking.models import Event, Message, Outbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def message(account: Account) -> Message:
    return make_message(account=account, tags=["spring"])


def read_all(program: Program, query: str = "size=2") -> tuple[list[str], str]:
    """The ids of all events, read page by page, and the cursor behind them."""
    seen: list[str] = []
    page = told(program.get(f"/events?{query}"))
    while True:
        seen += [each["id"] for each in page["items"]]
        if not page["more"]:
            return seen, page["next"]
        page = told(program.get(f"/events?{query}&cursor={page['next']}"))


def texts(ids: list[Any]) -> list[str]:
    return [str(id) for id in ids]


def test_events_are_read_in_the_order_of_recording_and_on_from_there(program: Program, message: Message) -> None:
    ids = [id for _ in range(5) for id in make_events(message)]
    seen, place = read_all(program)
    assert seen == texts(ids)
    assert told(program.get(f"/events?cursor={place}")) == {"items": [], "next": place, "more": False}
    later = make_events(message)
    assert [each["id"] for each in told(program.get(f"/events?cursor={place}"))["items"]] == texts(later)


def test_an_event_that_was_spooled_for_a_day_is_not_skipped(program: Program, message: Message) -> None:
    make_events(message)
    _, place = read_all(program)
    old = first_id_at(now() - timedelta(days=1))
    Event.objects.create(id=old, type="open", account=message.account, message=message)
    assert [each["id"] for each in told(program.get(f"/events?cursor={place}"))["items"]] == [str(old)]


def test_an_event_whose_transaction_commits_late_is_not_skipped(program: Program, message: Message) -> None:
    with uncommitted(lambda: make_events(message, type="click")):
        quick = make_events(message)
        seen, place = read_all(program)
        assert seen == []
    page = told(program.get(f"/events?cursor={place}"))
    assert {each["type"] for each in page["items"]} == {"click", "open"}
    assert str(quick[0]) in [each["id"] for each in page["items"]]


def test_events_are_told_with_what_loops_send_of_them(program: Program, message: Message) -> None:
    (id,) = make_events(message, type="click", original="https://example.com/", link=2, source="hidden", via="1.1 x")
    (event,) = told(program.get("/events"))["items"]
    assert event["data"] == {"ip": "192.0.2.1", "original": "https://example.com/", "link": 2}
    assert (event["recipient"], event["tags"], event["message"]) == ("ann@example.com", ["spring"], str(message.pk))
    assert told(program.get(f"/events/{id}")) == event


def test_changes_of_profiles_are_among_the_events(program: Program) -> None:
    profile = make_profile(None, email="ann@example.com")
    (event,) = told(Program(profile.account).get("/events"))["items"]
    assert (event["type"], event["data"]["profile"], event["message"]) == ("create", profile.pk, None)


def test_events_are_chosen_by_type_and_message(
    program: Program, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOKED_THROUGH", 3)
    make_events(message, 7)
    (clicked,) = make_events(message, type="click")
    make_events(message, 2)
    other = make_message(account=message.account)
    (bounced,) = make_events(other, type="bounce")
    assert read_all(program, "type=click&type=bounce&size=1")[0] == texts([clicked, bounced])
    assert read_all(program, f"message={other.pk}")[0] == texts([bounced])
    assert read_all(program, f"message={message.pk}&type=click")[0] == texts([clicked])
    assert faults(program.get("/events?type=explosion")) == ["query.type.0"]


def test_events_name_the_webhook_that_told_of_them_and_are_chosen_by_it(
    program: Program, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOKED_THROUGH", 3)
    make_events(message, 4)
    (first,), (second,) = (make_events(message, type="delivery", webhook=number) for number in ("7", "8"))
    assert [told(program.get(f"/events/{id}"))["webhook"] for id in (first, second)] == [7, 8]
    assert read_all(program, "webhook=7")[0] == texts([first])
    assert read_all(program, "webhook=8&type=delivery&size=1")[0] == texts([second])
    assert read_all(program, "webhook=8&type=open")[0] == []
    assert {each["webhook"] for each in told(program.get("/events?type=open"))["items"]} == {None}
    assert "webhook" not in told(program.get(f"/events/{first}"))["data"]


def reported(about: Message, **values: Any) -> dict[str, Any]:
    return {"message": str(about.pk), "type": "failure", "occurred": now().isoformat()} | values


def test_what_one_request_tells_twice_is_new_once(program: Program, message: Message) -> None:
    one, other = (reported(message, key=key, data={"code": 550}) for key in "78")
    items = told(program.post("/events", {"events": [one, other, one]}), 201)["items"]
    assert [each["new"] for each in items] == [True, True, False]
    assert items[0]["id"] == items[2]["id"] != items[1]["id"]


def test_an_event_from_outside_is_recorded_once(program: Program, message: Message) -> None:
    told_of = reported(message, key="7", data={"code": 550, "extended": "5.1.1", "description": "No such user"})
    (first,) = told(program.post("/events", {"events": [told_of]}), 201)["items"]
    (again,) = told(program.post("/events", {"events": [told_of]}), 201)["items"]
    assert (first["new"], again) == (True, {"id": first["id"], "new": False})
    event = told(program.get(f"/events/{first['id']}"))
    assert event["data"] == {"code": 550, "extended": "5.1.1", "description": "No such user", "action": "failed"}
    assert Outbox.objects.count() == 1
    assert Event.objects.get().data["source"] == "api"


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"message": "00000000-0000-7000-8000-000000000000"}, "message"),
        ({"occurred": "2300-01-01T00:00:00Z"}, "occurred"),
        ({"occurred": "2001-01-01T00:00:00Z"}, "occurred"),
        ({"occurred": "2026-01-01T00:00:00"}, "occurred"),
        ({"data": {"code": 99}}, "data"),
        ({"data": {"colour": "red"}}, "data"),
        ({"type": "create"}, "type"),
    ],
)
def test_of_many_events_all_are_recorded_or_none(
    program: Program, message: Message, wrong: dict[str, Any], part: str
) -> None:
    body = {"events": [reported(message), reported(message, **wrong)]}
    assert faults(program.post("/events", body)) == [f"body.events.1.{part}"]
    assert not Event.objects.exists()


def test_an_event_of_another_account_is_not_there(program: Program) -> None:
    (id,) = make_events(make_message())
    problem(program.get(f"/events/{id}"), 404)
    assert told(program.get("/events"))["items"] == []


def test_opens_and_clicks_say_who_made_them(program: Program, message: Message) -> None:
    make_verified_loop(message.account, event_types=["delivery"])
    waiting = make_events(message, type="delivery", code=250)
    (opened,) = make_events(message, useragent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    assert "verdict" not in told(program.get(f"/events/{opened}"))["data"]
    fan_out([*waiting, opened])
    items = {each["id"]: each["data"] for each in told(program.get("/events"))["items"]}
    data = items[str(opened)]
    assert (data["verdict"], data["first"], data["client"]) == ("human", 1, "Firefox 140")
    assert data["reasons"]
    assert told(program.get(f"/events/{opened}"))["data"] == data
    assert items[str(waiting[0])] == {"code": 250}
