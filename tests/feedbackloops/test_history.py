from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import history
from feedbackloops.models import Delivery, EventCount, LoopHour, OwedCount
from tests.factories import make_message, make_verified_loop, owe
from tracking import partitions
from tracking.ids import first_id_at
from tracking.models import Event

pytestmark = pytest.mark.django_db

# Far from today, so that the partitions of other tests are left alone.
LONG_AGO = date(2001, 2, 3)


def make_day(day: date) -> None:
    for table in history.TABLES:
        partitions.make(table, [day])


def days_of(table: str) -> set[date]:
    return set(partitions.existing(table))


def delivery_at(day: date, state: str) -> Delivery:
    message = make_message()
    loop = make_verified_loop(message.account)
    [event] = owe(message)
    id = first_id_at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    Delivery.objects.filter(event_id=event).delete()
    return Delivery.objects.create(
        id=id, event_id=id, loop=loop, account=message.account, state=state, next_attempt=now()
    )


def test_migrating_makes_the_partitions_of_the_days_ahead() -> None:
    today = now().date()

    for table in history.TABLES:
        assert {today + timedelta(days=number) for number in range(-1, 8)} <= days_of(table)


def test_partitions_are_made_once() -> None:
    history.make_partitions(now().date())
    before = {table: days_of(table) for table in history.TABLES}

    history.make_partitions(now().date())

    assert {table: days_of(table) for table in history.TABLES} == before


def test_days_that_are_old_enough_are_dropped_from_every_table(settings: Settings) -> None:
    make_day(LONG_AGO)
    delivery_at(LONG_AGO, "delivered")

    history.drop_old_partitions(now().date())

    assert all(LONG_AGO not in days_of(table) for table in history.TABLES)
    assert not Delivery.objects.exists()


def test_a_day_that_is_not_old_enough_stays(settings: Settings) -> None:
    settings.HISTORY_DAYS = 10
    today = now().date()
    make_day(LONG_AGO)
    before = days_of("tracking_event")

    history.drop_old_partitions(LONG_AGO + timedelta(days=10))
    assert days_of("tracking_event") == before

    history.drop_old_partitions(LONG_AGO + timedelta(days=11))
    assert LONG_AGO not in days_of("tracking_event")
    assert today in days_of("tracking_event")


def test_a_day_with_a_pending_delivery_stays_whole(caplog: pytest.LogCaptureFixture) -> None:
    make_day(LONG_AGO)
    delivery_at(LONG_AGO, "pending")

    history.drop_old_partitions(now().date())

    assert all(LONG_AGO in days_of(table) for table in history.TABLES)
    assert "still pending" in caplog.text


def test_what_no_day_covers_goes_when_it_is_old_enough_but_for_what_is_pending() -> None:
    gone, kept = delivery_at(date(1999, 1, 1), "delivered"), delivery_at(date(1999, 1, 2), "pending")
    for delivery in (gone, kept):
        Event.objects.create(id=delivery.event_id, type="open", account=delivery.account)
    young = Event.objects.create(id=first_id_at(now() + timedelta(days=300)), type="open", account=gone.account)

    history.drop_old_partitions(now().date())

    assert list(Delivery.objects.all()) == [kept]
    assert set(Event.objects.filter(id__in=[gone.event_id, kept.event_id, young.id])) == {
        young,
        Event.objects.get(id=kept.event_id),
    }


def test_a_table_that_was_busy_loses_its_day_the_next_time() -> None:
    make_day(LONG_AGO)
    partitions.drop(history.DELIVERIES, LONG_AGO)

    history.drop_old_partitions(now().date())

    assert all(LONG_AGO not in days_of(table) for table in history.TABLES)


def test_what_a_dying_process_had_detached_is_dropped() -> None:
    partitions.make("tracking_event", [LONG_AGO])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tracking_event DETACH PARTITION tracking_event_20010203")

    history.drop_old_partitions(now().date())

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('tracking_event_20010203')")
        assert cursor.fetchone() == (None,)


def test_the_counts_of_a_day_go_with_its_deliveries_and_those_of_a_day_that_stays_stay() -> None:
    make_day(LONG_AGO)
    make_day(LONG_AGO + timedelta(days=1))
    gone, kept = delivery_at(LONG_AGO, "delivered"), delivery_at(LONG_AGO + timedelta(days=1), "pending")
    OwedCount.objects.all().delete()
    for delivery in (gone, kept):
        hour = delivery.occurred_at.replace(minute=0)
        OwedCount.objects.create(loop_id=delivery.loop_id, hour=hour, count=1)

    history.drop_old_partitions(now().date())

    assert list(OwedCount.objects.values_list("loop_id", "count")) == [(kept.loop_id, 1)]


def test_counts_are_left_alone_while_nothing_is_dropped() -> None:
    make_day(LONG_AGO)
    delivery = delivery_at(LONG_AGO, "pending")
    OwedCount.objects.all().delete()
    OwedCount.objects.create(loop_id=delivery.loop_id, hour=delivery.occurred_at, count=5)

    history.drop_old_partitions(now().date())

    assert OwedCount.objects.get().count == 5


def test_what_no_day_covers_takes_its_counts_with_it() -> None:
    delivery = delivery_at(LONG_AGO, "delivered")
    OwedCount.objects.create(loop_id=delivery.loop_id, hour=delivery.occurred_at, count=1)

    history.drop_old_partitions(now().date())

    assert delivery.occurred_at not in OwedCount.objects.values_list("hour", flat=True)


def test_hours_are_forgotten_when_they_are_as_old_as_the_history(settings: Settings) -> None:
    settings.HISTORY_DAYS = 10
    first_kept = datetime(2001, 2, 3, tzinfo=UTC)
    for hour in (first_kept - timedelta(hours=1), first_kept):
        LoopHour.objects.create(loop_id=7, hour=hour, delivered=1, failed=0, given_up=0, latency=[1])

    history.drop_old_partitions(LONG_AGO + timedelta(days=10))

    assert [row.hour for row in LoopHour.objects.all()] == [first_kept]


def test_what_was_owed_to_a_loop_that_is_gone_is_cancelled_and_holds_up_no_pruning() -> None:
    make_day(LONG_AGO)
    delivery = delivery_at(LONG_AGO, "pending")
    delivery.loop.delete()

    history.drop_old_partitions(now().date())

    assert not Delivery.objects.exists()
    assert LONG_AGO not in days_of(history.DELIVERIES)


def test_what_no_day_covers_is_kept_in_the_default_partition() -> None:
    account = make_message().account
    moment = datetime(1999, 1, 1, tzinfo=UTC)
    Event.objects.create(id=first_id_at(moment), type="open", account=account)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tracking_event_default")
        assert cursor.fetchone()[0] == 1


def test_counts_of_hours_that_are_over_become_one_row_each() -> None:
    hour = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    for count in (1, 2, 3):
        OwedCount.objects.create(loop_id=7, hour=hour, count=count)
    OwedCount.objects.create(loop_id=8, hour=hour, count=10)

    assert history.sum_up() == 3
    assert history.sum_up() == 0

    assert sorted(OwedCount.objects.values_list("loop_id", "count")) == [(7, 6), (8, 10)]


def test_counts_of_this_hour_are_left_to_those_who_write_them() -> None:
    for _ in range(2):
        OwedCount.objects.create(loop_id=7, hour=now(), count=1)

    assert history.sum_up() == 0


def test_counts_of_events_are_summed_up_by_what_they_are_about_and_go_with_the_history() -> None:
    old, older = now() - timedelta(hours=3), now() - timedelta(days=400)
    rows = [(1, "open", old, 2), (1, "open", old, 3), (1, "click", old, 5), (2, "open", old, 7), (1, "open", older, 1)]
    for account, type, hour, count in rows:
        EventCount.objects.create(account_id=account, type=type, hour=hour, count=count)

    history.sum_up()
    history.drop_old_partitions(now().date())

    left = EventCount.objects.values_list("account_id", "type", "count")
    assert sorted(left) == [(1, "click", 5), (1, "open", 5), (2, "open", 7)]
