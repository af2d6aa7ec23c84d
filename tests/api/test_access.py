"""A token's account never sees or touches another one: every operation that the description names is tried."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.db import models
from django.utils.timezone import now

from feedbackloops import doorbell
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, Forgetting, Resend, TestCall
from profiles.models import Collection, Database, Profile, Subprofile
from tests.access.planted import Planted, plant
from tests.api.operations import Operation, operations
from tests.api.program import Program, faults
from tests.dashboard import Rings
from tracking.models import Event, Message

pytestmark = pytest.mark.django_db

# What stands for the names in addresses. An operation with a new one has to be named here.
MODELS: dict[str, type[models.Model]] = {
    "database": Database,
    "profile": Profile,
    "collection": Collection,
    "subprofile": Subprofile,
    "message": Message,
    "event": Event,
    "loop": FeedbackLoop,
    "delivery": Delivery,
    "attempt": Attempt,
    "resend": Resend,
    "test": TestCall,
    "forgetting": Forgetting,
}

# A body for each operation that takes one, about the rows of an account. A new operation has to be named here.
BODIES: dict[str, Callable[[Planted], Any]] = {
    "create_database": lambda planted: {"name": "New"},
    "change_database": lambda planted: {"name": "Changed"},
    "upsert_profile": lambda planted: {"profiles": [{"id": planted.rows[Profile][0], "fields": {"a": "b"}}]},
    "change_profile": lambda planted: {"fields": {"a": "b"}},
    "forget_profile": lambda planted: {"everywhere": True},
    "create_collection": lambda planted: {"name": "New"},
    "change_collection": lambda planted: {"name": "Changed"},
    "create_subprofile": lambda planted: {"collection": planted.rows[Collection][0], "fields": {"a": "b"}},
    "change_subprofile": lambda planted: {"fields": {"a": "b"}},
    "register_message": lambda planted: {
        "recipient": f"{planted.marker}@example.com",
        "profile": planted.rows[Profile][0],
        "database": planted.rows[Database][0],
    },
    "register_messages": lambda planted: {
        "messages": [{"recipient": f"{planted.marker}@example.com", "profile": planted.rows[Profile][0]}]
    },
    "create_loop": lambda planted: {
        "name": "New",
        "url": "https://example.com/hooks/new.php",
        "event_types": ["open"],
        "databases": [planted.rows[Database][0]],
    },
    "change_loop": lambda planted: {"name": f"{planted.marker} changed", "databases": [planted.rows[Database][0]]},
    "set_rsa_key": lambda planted: {"key_id": "key.example.com"},
    "send_test_call": lambda planted: {"event_type": "click"},
    "send_many_again": lambda planted: {"since": "2026-01-01T00:00:00Z"},
    "record_events": lambda planted: {
        "events": [{"message": str(planted.rows[Message][0]), "type": "delivery", "occurred": now().isoformat()}]
    },
}


# What has to be so for a request to go well.
PREPARED: dict[str, Callable[[], Any]] = {
    "send_delivery_again": lambda: Delivery.objects.update(state="given_up"),
    "delete_loop": lambda: Delivery.objects.all().delete(),
    "delete_database": lambda: [model._base_manager.all().delete() for model in (Profile, Collection)],
    "delete_collection": lambda: Subprofile.objects.all().delete(),
}


def planted(marker: str) -> Planted:
    made = plant(marker)
    FeedbackLoop.objects.update(previous_secret="", rsa_private_key="", rsa_key_id="", contact="")
    TestCall.objects.update(ended=now())
    return made


@pytest.fixture
def mine() -> Planted:
    return planted("mq4minezz")


@pytest.fixture
def theirs() -> Planted:
    return planted("xk7theirsvv")


@pytest.fixture
def program(mine: Planted) -> Program:
    return Program(mine.account)


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    return heard


def address(operation: Operation, planted: Planted) -> str:
    path = operation.path
    for name in operation.arguments:
        path = path.replace(f"{{{name}}}", str(planted.rows[MODELS[name]][0]))
    return path


def body(operation: Operation, planted: Planted) -> Any:
    return BODIES[operation.name](planted) if operation.has_body else None


def tells(response: Any, planted: Planted, asked: str) -> bool:
    said = f"{response.content.decode()} {response.headers}"
    return planted.marker in said or any(id in said for id in planted.uuids if id not in asked)


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_another_accounts_rows_are_neither_told_nor_touched(
    operation: Operation, program: Program, mine: Planted, theirs: Planted, rings: Rings
) -> None:
    before, foreign = theirs.state(), body(operation, theirs)
    is_about_rows = foreign != body(operation, mine)
    rings.clear()
    response = program.ask(operation.method, address(operation, theirs), foreign)
    if operation.arguments:
        assert response.status_code == 404, response.content
    assert not tells(response, theirs, f"{address(operation, theirs)} {foreign}")
    response = program.ask(operation.method, address(operation, mine), foreign)
    if operation.has_body and is_about_rows:
        assert response.status_code in (404, 422), response.content
    assert not tells(response, theirs, str(foreign))
    assert theirs.state() == before
    assert not {argument for _, argument in rings} & {*theirs.rows[FeedbackLoop], *theirs.uuids}


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_with_ones_own_rows_and_the_scope_the_same_request_goes_well(
    operation: Operation, program: Program, mine: Planted
) -> None:
    PREPARED.get(operation.name, lambda: None)()
    others = [scope for scope in program.token.scopes if scope != operation.about["x-scope"]]
    before = mine.state()
    asked = operation.method, address(operation, mine), body(operation, mine)
    response = Program(mine.account, others).ask(*asked)
    assert response.status_code == 403
    assert mine.part not in response.content.decode()
    assert mine.state() == before
    response = program.ask(*asked)
    assert response.status_code in (200, 201, 202, 204), response.content
    described = operation.about["responses"][response.status_code].get("content", {})
    assert [*described] == ([response.headers["Content-Type"]] if response.content else [])
    assert b'"items":[]' not in response.content


@pytest.mark.parametrize("operation", [each for each in operations() if each.method == "POST"], ids=str)
def test_every_post_is_done_once_for_its_idempotency_key(
    operation: Operation, program: Program, mine: Planted, rings: Rings
) -> None:
    PREPARED.get(operation.name, lambda: None)()
    given = body(operation, mine)
    content = b"" if given is None else orjson.dumps(given)
    place = address(operation, mine)
    first = program.post(place, content, Idempotency_Key="one")
    assert first.status_code in (200, 201, 202), first.content
    after, rung = mine.state(), [*rings]
    again = program.post(place, content, Idempotency_Key="one")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert faults(program.post(place, content + b" ", Idempotency_Key="one")) == ["header.Idempotency-Key"]
    assert (mine.state(), [*rings]) == (after, rung)
