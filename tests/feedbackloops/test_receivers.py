"""What is recorded, or told to be due, is rung for, once it is committed."""

from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from feedbackloops import signals
from tests.dashboard import Rings
from tracking.ids import new_id
from tracking.signals import events_recorded

pytestmark = pytest.mark.django_db(transaction=True)

CALL = new_id()
DUE: list[tuple[Signal, dict[str, Any], list[tuple[str, Any]]]] = [
    (signals.lanes_due, {"loops": [7, 8]}, [("deliver", 7), ("deliver", 8)]),
    (signals.looks_due, {"loops": [7]}, [("look", 7)]),
    (signals.test_calls_due, {"ids": [CALL]}, [("call_test", str(CALL))]),
    (signals.resends_due, {"resends": [3]}, [("send_again", 3)]),
    (signals.forgettings_due, {"orders": [4]}, [("forget", 4)]),
]


@pytest.mark.parametrize(("signal", "told", "expected"), DUE, ids=["lanes", "looks", "tests", "resends", "forgettings"])
def test_what_is_due_is_rung_for_after_the_commit_and_not_before(
    rings: Rings, signal: Signal, told: dict[str, Any], expected: list[tuple[str, Any]]
) -> None:
    with transaction.atomic():
        signal.send(None, **told)
        assert rings == []
    assert rings == expected


def test_what_is_rolled_back_is_not_rung_for(rings: Rings) -> None:
    with transaction.atomic():
        signals.lanes_due.send(None, loops=[7])
        transaction.set_rollback(True)
    assert rings == []


def test_where_no_transaction_is_open_what_is_due_is_rung_for_at_once(rings: Rings) -> None:
    signals.lanes_due.send(None, loops=[7])
    assert rings == [("deliver", 7)]


def test_new_events_are_rung_for_unless_somebody_who_watches_was_told(rings: Rings) -> None:
    told, rung_for = new_id(), new_id()
    events_recorded.send(None, ids=[told], heard=True)
    events_recorded.send(None, ids=[rung_for], heard=False)

    assert rings == [("fan_out", str(rung_for))]
