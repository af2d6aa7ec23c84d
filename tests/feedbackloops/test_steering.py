from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from feedbackloops import lanes, ledger, steering
from feedbackloops.lanes import NIL, START_OF_TIME, Claimed, Done, Place
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LoopHour
from tests.dashboard import Rings
from tests.factories import make_account, make_message, make_verified_loop, owe
from tracking.ids import derived_id

# Statements of the queue read the clock of their transaction, so these tests let them commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loop() -> FeedbackLoop:
    return make_verified_loop(make_account())


def claimed(loop: FeedbackLoop) -> list[Claimed]:
    return lanes.claim([Place(loop.pk, 100, START_OF_TIME, NIL)])


def done(claim: Claimed, outcome: str, state: str) -> Done:
    number = claim.attempts + 1
    facts: dict[str, Any] = {"message": "", "status": 200, "address": "", "timings": (0.0,) * 5, "answer": b""}
    return Done(
        id=derived_id(claim.id, number, 1),
        delivery=claim.id,
        loop=claim.loop,
        account=claim.account,
        number=number,
        started=now(),
        outcome=outcome,
        state=state,
        pause=60.0,
        **facts,
    )


def states() -> list[tuple[str, str, int]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "outcome", "attempts"))


def test_what_is_cancelled_is_never_claimed_again_and_the_ledger_balances(loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account), 3)
    taken_back = [each.id for each in claimed(loop)][:2]
    assert steering.cancel(taken_back) == 2
    assert {each.id for each in claimed(loop)}.isdisjoint(taken_back)
    [line] = ledger.lines_of(now().date())
    assert (line.owed, line.cancelled, line.pending) == (3, 2, 1)


def test_only_what_waits_can_be_cancelled(loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account), 4)
    ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    for id, state in zip(ids, ("pending", "delivered", "given_up", "cancelled"), strict=True):
        Delivery.objects.filter(pk=id).update(state=state)
    assert steering.cancel([*ids, uuid4()]) == 1
    assert steering.cancel([]) == 0
    assert [state for state, _, _ in states()] == ["cancelled", "delivered", "given_up", "cancelled"]


def test_what_the_script_accepted_is_delivered_although_it_was_cancelled_during_the_call(loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account))
    [claim] = claimed(loop)
    steering.cancel([claim.id])
    lanes.record([done(claim, "accepted", "delivered")])
    assert states() == [("delivered", "accepted", 1)]
    assert LoopHour.objects.get().delivered == 1
    [line] = ledger.lines_of(now().date())
    assert (line.owed, line.delivered, line.cancelled) == (1, 1, 0)


@pytest.mark.parametrize("state", ["pending", "given_up"])
def test_a_call_that_fails_after_it_was_cancelled_leaves_it_cancelled_and_is_kept(
    loop: FeedbackLoop, state: str
) -> None:
    owe(make_message(account=loop.account))
    [claim] = claimed(loop)
    steering.cancel([claim.id])
    lanes.record([done(claim, "timed out", state)])
    assert states() == [("cancelled", "timed out", 1)]
    assert Attempt.objects.get().outcome == "timed out"
    hour = LoopHour.objects.get()
    assert (hour.failed, hour.given_up, hour.delivered) == (1, 0, 0)
    assert claimed(loop) == []


def test_what_is_sent_now_is_due_with_the_schedule_that_it_had_and_its_lane_is_rung(
    loop: FeedbackLoop, rings: Rings
) -> None:
    owe(make_message(account=loop.account), 2)
    later, ended = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=later.pk).update(next_attempt=now() + timedelta(hours=3), attempts=4, outcome="gone")
    Delivery.objects.filter(pk=ended.pk).update(state="delivered")
    rings.clear()
    assert steering.send_now([later.pk, ended.pk]) == 1
    assert [each.id for each in claimed(loop)] == [later.pk]
    found = Delivery.objects.get(pk=later.pk)
    assert (found.attempts, found.attempts_before) == (4, 0)
    assert rings == [("deliver", loop.pk)]


def test_nobody_waits_for_rows_that_an_engine_is_writing(loop: FeedbackLoop) -> None:
    owe(make_message(account=loop.account), 2)
    written, free = Delivery.objects.order_by("pk")
    with connection.copy().cursor() as engine:
        engine.execute("BEGIN")
        engine.execute("UPDATE feedbackloops_delivery SET attempts = 1 WHERE id = %s", [written.pk])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            assert steering.cancel([written.pk, free.pk]) == 1
        engine.execute("ROLLBACK")
        engine.connection.close()
    assert steering.cancel([written.pk, free.pk]) == 1
