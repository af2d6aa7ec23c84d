from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops import resending, tasks
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, Resend
from feedbackloops.resending import send_again
from feedbackloops.tracing import attempts_of, deliveries_of
from tests.factories import make_account, make_message, make_verified_loop, owe

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", [DeliveryState.GIVEN_UP, DeliveryState.CANCELLED, DeliveryState.DELIVERED])
def test_what_had_ended_is_due_at_once_with_a_whole_schedule_before_it(state: DeliveryState) -> None:
    account = make_account()
    make_verified_loop(account)
    owe(make_message(account=account))
    Delivery.objects.update(state=state, attempts=13, next_attempt=now() - timedelta(days=9))
    assert send_again([Delivery.objects.get().pk]) == 1
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.attempts_before) == (DeliveryState.PENDING, 13, 13)
    assert now() - delivery.next_attempt < timedelta(minutes=1)


def test_what_is_pending_or_was_not_named_stays_as_it_is() -> None:
    account = make_account()
    make_verified_loop(account)
    owe(make_message(account=account), 3)
    pending, named, other = Delivery.objects.order_by("pk")
    Delivery.objects.exclude(pk=pending.pk).update(state=DeliveryState.GIVEN_UP, attempts=13)
    Delivery.objects.filter(pk=pending.pk).update(attempts=4, next_attempt=now() + timedelta(hours=1))
    assert send_again([pending.pk, named.pk]) == 1
    states = dict(Delivery.objects.values_list("pk", "attempts_before"))
    assert states == {pending.pk: 0, named.pk: 13, other.pk: 0}
    assert Delivery.objects.get(pk=pending.pk).next_attempt > now()
    assert send_again([]) == 0


def test_sending_again_touches_only_the_partitions_of_those_days() -> None:
    account = make_account()
    make_verified_loop(account)
    owe(make_message(account=account))
    Delivery.objects.update(state=DeliveryState.GIVEN_UP)
    with CaptureQueriesContext(connection) as queries:
        send_again([Delivery.objects.get().pk])
    update = next(each["sql"] for each in queries.captured_queries if each["sql"].startswith("UPDATE"))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {update}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("on feedbackloops_delivery_") == 2, plan


def test_deliveries_and_attempts_are_found_from_what_they_follow_from() -> None:
    account = make_account()
    loops = {make_verified_loop(account).pk, make_verified_loop(account).pk}
    first, second = owe(make_message(account=account), 2)
    found = Delivery.objects.filter(pk__in=deliveries_of([first]))
    assert {(each.event_id, each.loop_id) for each in found} == {(first, loop) for loop in loops}
    assert len(deliveries_of([first, second])) == 4
    assert deliveries_of([]) == attempts_of([]) == attempts_of([first]) == []


@pytest.fixture
def loop() -> FeedbackLoop:
    """A loop with five deliveries that were given up, and another of the account with as many."""
    account = make_account()
    loop = make_verified_loop(account)
    make_verified_loop(account)
    owe(make_message(account=account), 5)
    Delivery.objects.update(state=DeliveryState.GIVEN_UP, attempts=13)
    return loop


def begin(loop: FeedbackLoop, *states: str) -> Resend:
    return resending.begin(loop, now() - timedelta(hours=1), now() + timedelta(hours=1), states or ["given_up"])


def test_a_resend_goes_through_the_loop_in_sets_and_touches_no_other(
    loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "LOOKED_AT_ONCE", 2)
    resend = begin(loop)
    counts = []
    while resending.go_on(resend.pk):
        counts.append(Resend.objects.get().count)
    assert counts == [2, 4]
    done = Resend.objects.get()
    assert (done.expected, done.count, done.finished is not None) == (5, 5, True)
    assert set(Delivery.objects.filter(loop=loop).values_list("state", "attempts_before")) == {("pending", 13)}
    assert set(Delivery.objects.exclude(loop=loop).values_list("state", flat=True)) == {"given_up"}


def test_a_resend_takes_the_states_and_the_time_that_were_asked_for(loop: FeedbackLoop) -> None:
    first, second, *_ = Delivery.objects.filter(loop=loop).order_by("pk")
    Delivery.objects.filter(pk=first.pk).update(state="delivered")
    Delivery.objects.filter(pk=second.pk).update(state="cancelled")
    resend = begin(loop, "delivered", "cancelled")
    assert not resending.go_on(resend.pk)
    assert set(Delivery.objects.filter(state="pending").values_list("pk", flat=True)) == {first.pk, second.pk}
    past = now() - timedelta(hours=2)
    assert resending.count(resending.chosen(loop, past, past + timedelta(hours=1), ["given_up"])) == 0
    assert resending.count(resending.chosen(loop, past, now(), ["given_up"])) == 3


def test_a_resend_is_gone_on_with_once_whoever_does(loop: FeedbackLoop) -> None:
    resend = begin(loop)
    assert resending.unfinished() == [resend.pk]
    tasks.send_again([resend.pk, resend.pk])
    Delivery.objects.update(state=DeliveryState.GIVEN_UP)
    tasks.send_again([resend.pk, resend.pk + 1])
    assert resending.unfinished() == []
    assert Resend.objects.get().count == 5
    assert not Delivery.objects.filter(state="pending").exists()


def test_a_resend_reads_the_loops_own_index_in_each_partition(loop: FeedbackLoop) -> None:
    for _ in range(8):
        make_verified_loop(loop.account)
    owe(make_message(account=loop.account), 100)
    resend = begin(loop)
    with CaptureQueriesContext(connection) as queries:
        resending.go_on(resend.pk)
    look = next(each["sql"] for each in queries.captured_queries if "LIMIT 1000" in each["sql"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE feedbackloops_delivery")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {look}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
    assert "_loop_id_id_idx" in plan, plan
