from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from api import idempotency
from api.models import KeptAnswer
from api.tasks import forget_answers
from api.v1 import databases
from profiles.models import Account, Database
from tests.api.program import Program, faults, problem, told

KEY = {"Idempotency_Key": "one"}


def test_the_same_request_again_does_nothing_and_gets_the_same_answer(program: Program) -> None:
    first = program.post("/databases", {"name": "Customers"}, **KEY)
    again = program.post("/databases", {"name": "Customers"}, **KEY)
    assert told(again, 201) == told(first, 201)
    assert again.content == first.content
    assert (again.headers["Idempotent-Replayed"], "Idempotent-Replayed" in first.headers) == ("true", False)
    assert Database.objects.count() == 1


def test_another_request_with_the_same_key_is_refused(program: Program) -> None:
    told(program.post("/databases", {"name": "Customers"}, **KEY), 201)
    assert faults(program.post("/databases", {"name": "Others"}, **KEY)) == ["header.Idempotency-Key"]
    assert Database.objects.count() == 1


def test_each_token_has_keys_of_its_own(account: Account, program: Program) -> None:
    told(program.post("/databases", {"name": "Customers"}, **KEY), 201)
    assert told(Program(account).post("/databases", {"name": "Others"}, **KEY), 201)["name"] == "Others"


def test_a_request_that_failed_may_come_again_with_its_key(program: Program) -> None:
    program.post("/databases", {"name": "Customers"})
    faults(program.post("/databases", {"name": "Customers"}, **KEY))
    Database.objects.all().delete()
    told(program.post("/databases", {"name": "Customers"}, **KEY), 201)


@pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(program: Program, key: str) -> None:
    problem(program.post("/databases", {"name": "Customers"}, Idempotency_Key=key), 400)


def test_answers_are_kept_for_a_day(program: Program) -> None:
    told(program.post("/databases", {"name": "Customers"}, **KEY), 201)
    forget_answers()
    KeptAnswer.objects.update(created=now() - timedelta(hours=23))
    forget_answers()
    assert KeptAnswer.objects.count() == 1
    KeptAnswer.objects.update(created=now() - timedelta(hours=25))
    forget_answers()
    assert not KeptAnswer.objects.exists()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> tuple[Event, Event]:
    """Making a database waits for the second event, and tells by the first that it has begun."""
    begun, go_on, save = Event(), Event(), databases._saved

    def wait(database: Database) -> Any:
        begun.set()
        go_on.wait(20)
        return save(database)

    monkeypatch.setattr(databases, "_saved", wait)
    return begun, go_on


def post(program: Program) -> Any:
    try:
        return program.post("/databases", {"name": "Customers"}, **KEY)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_time_one_is_done_and_both_get_its_answer(slow: tuple[Event, Event]) -> None:
    program = Program(Account.objects.create(name="Twins"))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(post, program)
        assert slow[0].wait(20)
        twin = threads.submit(post, program)
        slow[1].set()
        assert told(first.result(), 201) == told(twin.result(), 201)
    assert Database.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_would_wait_too_long_is_told_to_come_again(
    slow: tuple[Event, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_MS", 50)
    program = Program(Account.objects.create(name="Twins"))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(post, program)
        assert slow[0].wait(20)
        response = threads.submit(post, program).result()
        slow[1].set()
        problem(response, 409)
        assert response.headers["Retry-After"] == "1"
        told(first.result(), 201)
