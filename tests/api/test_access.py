"""A token's account never sees or touches another one: every operation that the description names is tried."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models
from django.utils.timezone import now

from feedbackloops import doorbell
from feedbackloops.models import FeedbackLoop
from profiles.models import Database, Profile
from tests.access.planted import Planted, plant
from tests.api.operations import Operation, operations
from tests.api.program import Program
from tests.dashboard import Rings
from tracking.models import Event, Message

pytestmark = pytest.mark.django_db(transaction=True)

# What stands for the names in addresses. An operation with a new one has to be named here.
MODELS: dict[str, type[models.Model]] = {
    "database": Database,
    "profile": Profile,
    "message": Message,
    "event": Event,
}

# A body for each operation that takes one, about the rows of an account. A new operation has to be named here.
BODIES: dict[str, Callable[[Planted], Any]] = {
    "create_database": lambda planted: {"name": "New"},
    "change_database": lambda planted: {"name": "Changed"},
    "upsert_profile": lambda planted: {"profiles": [{"id": planted.rows[Profile][0], "fields": {"a": "b"}}]},
    "change_profile": lambda planted: {"fields": {"a": "b"}},
    "register_message": lambda planted: {
        "recipient": f"{planted.marker}@example.com",
        "profile": planted.rows[Profile][0],
        "database": planted.rows[Database][0],
    },
    "register_messages": lambda planted: {
        "messages": [{"recipient": f"{planted.marker}@example.com", "profile": planted.rows[Profile][0]}]
    },
    "record_events": lambda planted: {
        "events": [{"message": str(planted.rows[Message][0]), "type": "delivery", "occurred": now().isoformat()}]
    },
}


@pytest.fixture
def mine() -> Planted:
    return plant("mq4minezz")


@pytest.fixture
def theirs() -> Planted:
    return plant("xk7theirsvv")


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
    before = theirs.state()
    rings.clear()
    response = program.ask(operation.method, address(operation, theirs), body(operation, theirs))
    if operation.arguments:
        assert response.status_code == 404, response.content
    elif operation.method != "GET" and body(operation, theirs) != body(operation, mine):
        assert response.status_code in (404, 422), response.content
    assert not tells(response, theirs, f"{address(operation, theirs)} {body(operation, theirs)}")
    assert theirs.state() == before
    assert not {argument for _, argument in rings} & {*theirs.rows[FeedbackLoop], *theirs.uuids}


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_another_accounts_rows_in_the_body_are_neither_told_nor_touched(
    operation: Operation, program: Program, mine: Planted, theirs: Planted
) -> None:
    before = theirs.state()
    response = program.ask(operation.method, address(operation, mine), body(operation, theirs))
    if operation.has_body and body(operation, theirs) != body(operation, mine):
        assert response.status_code in (404, 422), response.content
    assert not tells(response, theirs, str(body(operation, theirs)))
    assert theirs.state() == before


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_with_ones_own_rows_the_same_request_goes_well(
    operation: Operation, program: Program, mine: Planted, theirs: Planted
) -> None:
    response = program.ask(operation.method, address(operation, mine), body(operation, mine))
    assert response.status_code in (200, 201, 202, 204), response.content
    assert not tells(response, theirs, "")
    if operation.method == "GET":
        assert mine.part in response.content.decode(), response.content


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_without_its_scope_a_token_does_nothing(operation: Operation, mine: Planted) -> None:
    others = [scope for scope in Program(mine.account).token.scopes if scope != operation.about["x-scope"]]
    before = mine.state()
    response = Program(mine.account, others).ask(operation.method, address(operation, mine), body(operation, mine))
    assert response.status_code == 403
    assert mine.part not in response.content.decode()
    assert mine.state() == before
