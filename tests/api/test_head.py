"""HEAD is answered wherever GET is: in the same way, but for the content (RFC 9110, 9.3.2)."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from api.door import ApiDoor
from tests.access.planted import Planted, plant
from tests.api.operations import Operation, operations
from tests.api.program import Program
from tests.api.test_access import address

pytestmark = pytest.mark.django_db
GETS = [each for each in operations() if each.method == "GET"]
SHOWN = ["/api/v1/docs", "/api/v1/openapi.json"]


@pytest.fixture
def mine() -> Planted:
    return plant("planted")


def elsewhere(request: HttpRequest) -> HttpResponse:
    raise AssertionError(f"{request.path} is not the API's.")


def asked(method: str, path: str, text: str = "") -> HttpResponse:
    """The answer as the door gives it: a test client takes the content of HEAD away by itself."""
    headers = {"Authorization": f"Bearer {text}"} if text else {}
    request = RequestFactory().generic(method, path, headers=headers)
    response = ApiDoor(elsewhere)(request)
    assert request.method == method
    return response


def is_answered_alike(path: str, text: str, status: int) -> bool:
    got, head = asked("GET", path, text), asked("HEAD", path, text)
    assert (got.status_code, head.status_code, head.content) == (status, status, b"")
    return dict(head.headers) == dict(got.headers) | {"Content-Length": str(len(got.content))}


@pytest.mark.parametrize("operation", GETS, ids=str)
def test_what_is_got_can_be_asked_about_by_the_same_rules(operation: Operation, mine: Planted) -> None:
    path = address(operation, mine)
    everything = Program(mine.account)
    others = [scope for scope in everything.token.scopes if scope != operation.about["x-scope"]]
    assert is_answered_alike(path, everything.text, 200)
    assert is_answered_alike(path, Program(mine.account, others).text, 403)
    assert is_answered_alike(path, "", 401)


@pytest.mark.parametrize("path", SHOWN)
def test_the_description_can_be_asked_about_without_a_token(path: str) -> None:
    assert is_answered_alike(path, "", 200)


def test_it_counts_as_a_request(mine: Planted, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    text = Program(mine.account).text
    assert [asked("HEAD", "/api/v1/databases", text).status_code for _ in range(3)] == [200, 200, 429]


def test_where_nothing_is_got_there_is_nothing_to_ask_about(mine: Planted) -> None:
    response = asked("HEAD", "/api/v1/messages/batch", Program(mine.account).text)
    assert (response.status_code, response.headers["Allow"], response.content) == (405, "POST", b"")
    assert asked("HEAD", "/api/v1/nowhere").status_code == 404
