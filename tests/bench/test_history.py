from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.utils.timezone import now
from pytest_django import DjangoDbBlocker

from bench import history
from feedbackloops.history import TABLES
from feedbackloops.lanes import due
from feedbackloops.models import Attempt, Delivery, LoopHour, OwedCount, Snapshot
from rig.customers import FIELDS, Customer
from tests.factories import make_message, make_profile, make_verified_loop, owe
from tracking.ids import moment_of
from tracking.models import Event, Message, Outbox
from tracking.partitions import drop, existing

# Threads with connections of their own make the rows.
pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 400


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are several for each session."""
    monkeypatch.setattr(history, "CHUNK", 150)


@pytest.fixture(scope="module", autouse=True)
def _days(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The days that a history needs go again once it is gone."""
    with django_db_blocker.unblock():
        before = {table: existing(table).keys() for table in TABLES}
    yield
    with django_db_blocker.unblock():
        for table, days in before.items():
            for day in existing(table).keys() - days:
                drop(table, day)


@pytest.fixture
def owners() -> list[Customer]:
    return history.owners(4)


@pytest.fixture
def filled(owners: list[Customer]) -> list[Customer]:
    history.fill(owners, ROWS)
    return owners


def test_a_history_has_a_row_of_each_kind_for_each_event(filled: list[Customer]) -> None:
    counts = {model.__name__: model._default_manager.count() for model in (Event, Snapshot, Delivery, Attempt)}

    assert counts == dict.fromkeys(("Event", "Snapshot", "Delivery", "Attempt"), ROWS)
    assert Message.objects.filter(id__in=Event.objects.values("message")).count() == ROWS
    assert not Outbox.objects.exists()


def test_a_history_is_spread_evenly_over_thirty_days(filled: list[Customer]) -> None:
    moments = sorted(moment_of(id) for id in Event.objects.values_list("id", flat=True))

    step = timedelta(days=30) / ROWS
    assert {round((later - earlier) / step, 2) for earlier, later in pairwise(moments)} == {1.0}
    assert timedelta(0) <= now() - moments[-1] < step + timedelta(minutes=1)


def test_each_row_lies_in_the_partition_of_its_day(filled: list[Customer]) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}_default")
            assert cursor.fetchone() == (0,)


def test_all_ids_of_an_event_are_of_its_instant(filled: list[Customer]) -> None:
    for delivery in Delivery.objects.select_related("event"):
        [attempt] = Attempt.objects.filter(delivery=delivery)
        ids = [delivery.id, delivery.event_id, delivery.event.message_id, attempt.id]
        assert len(set(ids)) == 4
        assert {id.version for id in ids if id} == {7}
        assert len({moment_of(id) for id in ids if id}) == 1
        assert delivery.owed == attempt.started == delivery.occurred_at


def test_the_owners_share_a_history_evenly_and_keep_to_their_accounts(filled: list[Customer]) -> None:
    shares = Counter(Delivery.objects.values_list("loop_id", "account_id"))

    assert shares == {(each.loop.pk, each.account.pk): ROWS // 4 for each in filled}
    assert set(Event.objects.values_list("account", flat=True)) == {each.account.pk for each in filled}


def test_what_is_owed_is_counted_by_loop_and_hour(filled: list[Customer]) -> None:
    in_hours = Counter(
        (delivery.loop_id, delivery.occurred_at.replace(minute=0, second=0, microsecond=0))
        for delivery in Delivery.objects.all()
    )

    counted = OwedCount.objects.values_list("loop_id", "hour").annotate(Sum("count"))
    assert {(loop, hour): count for loop, hour, count in counted} == in_hours


def test_what_was_delivered_is_counted_by_loop_and_hour(filled: list[Customer]) -> None:
    owed = OwedCount.objects.values_list("loop_id", "hour").annotate(Sum("count"))

    assert sorted(LoopHour.objects.values_list("loop_id", "hour", "delivered")) == sorted(owed)
    assert all(sum(hour.latency) == hour.delivered for hour in LoopHour.objects.all())


def test_a_history_leaves_nothing_to_do(filled: list[Customer]) -> None:
    assert set(Delivery.objects.values_list("state", "attempts")) == {("delivered", 1)}
    assert due() == []


def test_two_histories_fit_beside_each_other(filled: list[Customer]) -> None:
    history.fill(filled, ROWS)

    assert Delivery.objects.count() == 2 * ROWS


def test_a_backlog_is_due_in_its_lane_alone(owners: list[Customer]) -> None:
    loop = owners[0].loop

    history.backlog(loop, ROWS)

    assert due() == [loop.pk]
    assert dict(Delivery.objects.order_by().values_list("state").annotate(Count("id"))) == {"pending": ROWS}
    assert OwedCount.objects.filter(loop_id=loop.pk).aggregate(total=Sum("count")) == {"total": ROWS}


def test_a_backlog_has_what_its_bodies_take(owners: list[Customer]) -> None:
    history.backlog(owners[0].loop, 1)

    event = Event.objects.get()
    snapshot = Snapshot.objects.get(pk=event.pk)
    assert event.message_id is not None
    assert snapshot.data["fields"] == FIELDS


def test_snapshots_have_the_names_that_fan_out_gives_them(owners: list[Customer]) -> None:
    profile = make_profile()
    loop = make_verified_loop(profile.account)
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    [event] = owe(make_message(profile), useragent=browser)
    history.backlog(loop, 1)

    real, made = Snapshot.objects.get(pk=event), Snapshot.objects.exclude(pk=event).get()
    assert real.data.keys() == made.data.keys()


def test_what_was_made_is_on_disk_before_anything_is_measured() -> None:
    before = last_checkpoint()
    history.settle()
    assert last_checkpoint() != before


def last_checkpoint() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT checkpoint_lsn::text FROM pg_control_checkpoint()")
        [[place]] = cursor.fetchall()
    return str(place)
