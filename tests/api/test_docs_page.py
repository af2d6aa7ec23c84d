"""The description of the API and the page that shows it."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from api.main import api
from api.scopes import Scope
from tests.api.operations import operations

pytestmark = pytest.mark.django_db


def test_the_page_loads_nothing_from_elsewhere() -> None:
    response = Client().get("/api/v1/docs")
    page = response.content.decode()
    assert "http" not in page.replace("http-equiv", "")
    loaded = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert len(loaded) == 4
    assert all(finders.find(path) for path in loaded)
    assert '"/api/v1/openapi.json"' in page
    assert "script-src 'self';" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", page)


def test_the_description_needs_no_token() -> None:
    assert Client().get("/api/v1/openapi.json").json()["openapi"].startswith("3.1")


def test_every_operation_names_its_scope_and_needs_a_token() -> None:
    assert operations()
    for operation in operations():
        assert operation.about["security"] == [{"Bearer": []}], operation
        assert operation.about["x-scope"] in Scope.values, operation
        assert f"`{operation.about['x-scope']}`" in operation.about["description"]
        assert {"401", "403", "429", "500", "503"} <= operation.about["responses"].keys()
        assert ("410" in operation.about["responses"]) == (operation.method == "POST"), operation
        needed = ":write" if operation.method not in ("GET",) else (":read", ":secret")
        assert operation.about["x-scope"].endswith(needed), operation


def test_every_scope_opens_something() -> None:
    assert {operation.about["x-scope"] for operation in operations()} == set(Scope.values)


def test_every_post_takes_an_idempotency_key() -> None:
    for operation in operations():
        named = [each["name"] for each in operation.about["parameters"]] if "parameters" in operation.about else []
        assert ("Idempotency-Key" in named) == (operation.method == "POST"), operation


def test_operations_are_called_by_names_of_their_own() -> None:
    names = [operation.name for operation in operations()]
    assert len(set(names)) == len(names)
    assert api.urls_namespace == "api-1"
