"""The examples in the description: what is asked in them is taken as it stands, and answers look like those in them."""

from typing import Any
from uuid import UUID

import pytest

from api.examples.bodies import PLACES
from api.main import api
from feedbackloops import doorbell
from profiles.models import Collection, Database, Profile, Subprofile
from tests.api.operations import Operation, operations
from tests.api.program import Program, told
from tests.dashboard import Rings
from tests.factories import make_message, make_verified_loop

pytestmark = pytest.mark.django_db


def example_in(content: dict[str, Any]) -> Any:
    """The example of a body or of an answer, which has one form."""
    (media,) = content.values()
    return media["example"]


def address(operation: Operation) -> str:
    examples = {each["name"]: each.get("example") for each in operation.about["parameters"] if each["in"] == "path"}
    return operation.path.format(**examples)


@pytest.fixture
def story(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program of the account that the examples are about, whose rows have their numbers."""
    monkeypatch.setattr(doorbell, "_doorbell", Rings)
    database = Database.objects.create(id=PLACES["database"], account=program.account, name="Customers")
    ann = {"email": "ann@example.com", "city": "Utrecht"}
    profile = Profile.objects.create(id=PLACES["profile"], database=database, fields=ann)
    collection = Collection.objects.create(id=PLACES["collection"], database=database, name="Orders")
    Subprofile.objects.create(id=PLACES["subprofile"], profile=profile, collection=collection, fields={"paid": "no"})
    make_verified_loop(program.account, id=PLACES["loop"])
    make_message(profile, id=UUID(PLACES["message"]))
    return program


@pytest.mark.parametrize("operation", [each for each in operations() if each.has_body], ids=str)
def test_a_body_is_taken_as_it_stands(operation: Operation, story: Program) -> None:
    body = example_in(operation.about["requestBody"]["content"])
    status = next(iter(operation.about["responses"]))
    assert told(story.ask(operation.method, address(operation), body), int(status))


def models() -> dict[str | None, Any]:
    """What each operation answers, as its model has it."""
    views = [view for router in api._get_bound_routers() for view in router.path_operations.values()]
    return {each.operation_id: next(iter(each.response_models.values())) for view in views for each in view.operations}


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_an_answer_is_one_that_the_operation_can_give(operation: Operation) -> None:
    content = next(iter(operation.about["responses"].values())).get("content", {})
    model = models()[operation.name]
    if model is None:
        assert operation.method == "DELETE" or example_in(content)
        return
    example = {"response": example_in(content)}
    # What the model does not know is not in what it makes of it, and what it needs has to be there.
    assert model.model_validate(example).model_dump(mode="json") == example


def test_every_address_is_shown_whole() -> None:
    assert not [each for each in operations() if "None" in address(each) or "{" in address(each)]
