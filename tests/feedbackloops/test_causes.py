from datetime import UTC, datetime

import pytest

from feedbackloops.causes import cause_of
from feedbackloops.models import Attempt
from feedbackloops.protocol.outcome import ErrorKind, Outcome, Reply, error_kind_of, judge

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def attempt(reply: Reply, **values: float) -> Attempt:
    judgement = judge(reply, now=NOW)
    return Attempt(outcome=judgement.outcome, message=judgement.message, status=reply.status, **values)


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_error_has_a_cause_of_its_own_and_something_to_do(kind: ErrorKind) -> None:
    made = attempt(Reply(0, kind, "10.0.0.7: it (really) is private"))
    assert error_kind_of(made.message) is kind
    cause = cause_of(made)
    assert cause
    assert cause.detail == "10.0.0.7: it (really) is private"
    others = {other.title for each in ErrorKind if each is not kind and (other := cause_of(attempt(Reply(0, each))))}
    assert cause.advice
    assert cause.title not in others


@pytest.mark.parametrize("status", [*range(300, 309), *range(400, 432), 451, *range(500, 512), 599, 600, 100])
def test_each_status_that_is_no_success_has_a_cause_and_something_to_do(status: int) -> None:
    cause = cause_of(attempt(Reply(status, redirect="/login" if status < 400 else "")))
    assert cause
    assert cause.advice


def test_a_success_has_no_cause() -> None:
    assert cause_of(attempt(Reply(204))) is None


def test_no_connection_and_no_answer_are_told_apart() -> None:
    reply = Reply(0, ErrorKind.TIMED_OUT)
    titles = [cause.title for connect in (0, 0.1) if (cause := cause_of(attempt(reply, connect=connect)))]
    assert titles == ["No connection came about in time", "The script did not answer in time"]


def test_what_no_call_could_be_made_of_says_why() -> None:
    cause = cause_of(Attempt(outcome=Outcome.REJECTED, message="No call could be made of this event: no."))
    assert cause
    assert cause.detail == "No call could be made of this event: no."


def test_where_a_redirect_leads_is_said() -> None:
    cause = cause_of(attempt(Reply(301, redirect="https://www.example.com/new.php")))
    assert cause
    assert "https://www.example.com/new.php" in cause.detail
