from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops.models import Delivery, DeliveryState
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
