from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from api.v1 import databases
from tests.api.program import Program, faults, problem, told


def test_an_address_that_is_none_is_told_as_a_problem(program: Program) -> None:
    for path in ("/nowhere", "/databases/", "/databases/x"):
        assert program.get(path).status_code in (404, 422)
    assert "docs" in problem(program.get("/nowhere"), 404)["detail"]
    problem(Client().get("/api/"), 404)


def test_a_row_that_is_not_there_is_told_as_a_problem(program: Program) -> None:
    problem(program.get("/databases/1234567"), 404)
    assert faults(program.get("/databases/99999999999999999999")) == ["path.database"]


def test_a_method_that_an_address_does_not_take_is_told_as_a_problem(program: Program) -> None:
    response = program.ask("PUT", "/databases", {})
    assert "GET" in problem(response, 405)["detail"]
    assert response.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"name": NaN}', b'{"name": "\\ud800"}'])
def test_what_is_no_json_is_told_as_a_problem(program: Program, body: bytes) -> None:
    assert "JSON" in problem(program.post("/databases", body), 400)["detail"]


def test_every_part_of_a_request_that_cannot_be_is_named(program: Program) -> None:
    told_wrong = {"name": 7, "colour": "red", "on_unsubscribe": "explode", "unsubscribe_fields": {"a": "\0"}}
    where = faults(program.post("/databases", told_wrong))
    assert set(where) == {"body.name", "body.colour", "body.on_unsubscribe", "body.unsubscribe_fields.a"}
    assert faults(program.post("/databases")) == ["body"]
    assert faults(program.get("/databases?size=0")) == ["query.size"]


def test_a_cursor_of_another_list_is_refused(program: Program) -> None:
    for text in ("x", "MTpwcm9maWxlczox", "MTpkYXRhYmFzZXM6LTE", "é", "MTpkYXRhYmFzZXM6"):
        problem(program.get(f"/databases?cursor={text}"), 400)


def test_a_request_that_is_too_long_is_told_as_a_problem(program: Program, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50
    problem(program.post("/databases", {"name": "x" * 100}), 413)


@pytest.mark.parametrize(
    ("headers", "words", "header"),
    [
        ({"Content_Type": "text/xml"}, "said to be text/xml", ("Accept", "application/json")),
        ({"Content_Type": "application/x-www-form-urlencoded"}, "Content-Type: application/json", ("Accept", None)),
        ({"Content_Encoding": "gzip"}, "compressed", ("Accept-Encoding", "identity")),
    ],
)
def test_a_body_that_is_said_to_be_no_json_is_told_as_a_problem(
    program: Program, headers: dict[str, str], words: str, header: tuple[str, str | None]
) -> None:
    response = program.post("/databases", {"name": "Customers"}, **headers)
    assert words in problem(response, 415)["detail"]
    name, value = header
    assert value is None or response.headers[name] == value
    assert not program.account.databases.exists()
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json", ""):
        told(program.post("/databases", {"name": f"Of {kind}"}, Content_Type=kind), 201)


def test_a_crash_tells_no_secret_and_no_trace(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("the secret")

    monkeypatch.setattr(databases, "by_number", crash)
    response = program.get("/databases")
    problem(response, 500)
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_is_away_is_told_as_a_problem(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(databases, "by_number", away)
    response = program.get("/databases")
    problem(response, 503)
    assert response.headers["Retry-After"] == "5"


def test_a_name_that_is_taken_is_told_as_a_problem(program: Program) -> None:
    told(program.post("/databases", {"name": "Customers"}), 201)
    assert faults(program.post("/databases", {"name": "Customers"})) == ["body"]


def test_no_answer_is_kept_by_a_cache_or_sets_a_cookie(program: Program) -> None:
    response = program.get("/databases")
    assert response.headers["Cache-Control"] == "no-store"
    assert not response.cookies
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
