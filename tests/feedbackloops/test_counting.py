import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from feedbackloops import lanes
from feedbackloops.counting import NO_LATENCY, Counts, counts_of, hour_of, total
from feedbackloops.lanes import Done
from feedbackloops.models import Delivery, FeedbackLoop, LoopHour, OwedCount
from feedbackloops.protocol.latency import BOUNDS, BUCKETS
from feedbackloops.resending import send_again
from tests.factories import make_message, make_verified_loop, owe
from tests.flow.waiting import wait_until
from tracking.ids import derived_id, moment_of
from tracking.models import Message

# Two engines at once need transactions that end.
pytestmark = pytest.mark.django_db(transaction=True)

HOUR = datetime(2026, 3, 8, 14, tzinfo=UTC)
LATER = timedelta(hours=1)


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def done(delivery: Delivery, state: str = "delivered", took: float = 0.03, number: int = 1, fence: int = 1) -> Done:
    """An attempt that started when the event happened and took so many seconds."""
    return Done(
        id=derived_id(delivery.pk, number, fence),
        delivery=delivery.pk,
        loop=delivery.loop_id,
        account=delivery.account_id,
        number=number,
        started=moment_of(delivery.pk),
        outcome="accepted" if state == "delivered" else "rejected",
        state=state,
        pause=0.0,
        message="",
        status=0,
        address="",
        timings=(0.0, 0.0, 0.0, 0.0, took),
        answer=b"",
    )


def deliveries(loop: FeedbackLoop) -> list[Delivery]:
    return list(Delivery.objects.filter(loop=loop).order_by("id"))


def counted(loop: FeedbackLoop) -> Counts:
    hours = counts_of([loop.pk], now() - 2 * LATER, now() + LATER)[loop.pk]
    return total(hours.values())


def bucket(*numbers: int) -> tuple[int, ...]:
    return tuple(numbers.count(number) for number in range(BUCKETS))


def test_what_became_of_deliveries_and_attempts_is_counted_with_them(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 4)
    good, late, bad, hopeless = deliveries(loop)

    lanes.record([done(good), done(late, took=0.3), done(bad, "pending"), done(hopeless, "given_up")])

    assert counted(loop) == Counts(owed=4, delivered=2, failed=2, given_up=1, latency=bucket(3, 6))


def test_what_is_recorded_twice_counts_once(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 3)
    good, bad, hopeless = deliveries(loop)
    ended = [done(good), done(bad, "pending"), done(hopeless, "given_up")]

    lanes.record(ended)
    lanes.record(ended)

    assert counted(loop) == Counts(owed=3, delivered=1, failed=2, given_up=1, latency=bucket(3))


def test_a_delivery_that_two_engines_sent_counts_once(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [delivery] = deliveries(loop)

    lanes.record([done(delivery, fence=1)])
    lanes.record([done(delivery, fence=2)])

    assert (counted(loop).delivered, sum(counted(loop).latency)) == (1, 1)


def test_what_was_cancelled_meanwhile_counts_as_what_came_of_its_call(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 2)
    Delivery.objects.update(state="cancelled")
    one, other = deliveries(loop)

    lanes.record([done(one), done(other, "given_up")])

    found = counted(loop)
    assert (found.owed, found.delivered, found.failed, found.given_up) == (2, 1, 1, 0)


def test_a_delivery_that_ends_without_being_given_up_is_a_failed_attempt_only(
    message: Message, loop: FeedbackLoop
) -> None:
    owe(message)

    lanes.record([done(deliveries(loop)[0], "cancelled")])

    assert counted(loop) == Counts(owed=1, failed=1)


def test_what_staff_send_again_counts_again(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [delivery] = deliveries(loop)
    lanes.record([done(delivery, "given_up")])
    send_again([delivery.pk])

    lanes.record([done(delivery, number=2)])

    assert counted(loop) == Counts(owed=1, delivered=1, failed=1, given_up=1, latency=bucket(3))


@pytest.mark.parametrize(("number", "took"), list(enumerate((0.0, *BOUNDS))))
def test_a_time_counts_in_the_bucket_that_begins_with_it(
    message: Message, loop: FeedbackLoop, number: int, took: float
) -> None:
    owe(message)

    # Past the bound, as the sum of a moment and a time is exact to the microsecond only.
    lanes.record([done(deliveries(loop)[0], took=took + 0.0001)])

    assert counted(loop).latency == bucket(number)


def test_a_script_that_answers_before_the_event_by_our_clocks_was_fast(message: Message, loop: FeedbackLoop) -> None:
    owe(message)

    lanes.record([done(deliveries(loop)[0], took=-5.0)])

    assert counted(loop).latency == bucket(0)


def test_the_hour_is_that_in_which_the_attempt_started(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 2)
    for delivery, started in zip(deliveries(loop), (HOUR + LATER - timedelta(microseconds=1), HOUR), strict=True):
        lanes.record([done(delivery)._replace(started=started)])

    assert list(LoopHour.objects.values_list("loop_id", "hour", "delivered")) == [(loop.pk, HOUR, 2)]


def test_lanes_and_hours_of_one_set_are_counted_apart(message: Message, loop: FeedbackLoop) -> None:
    other = make_verified_loop(message.account)
    owe(message, 2)
    first, second = deliveries(loop)
    third, fourth = deliveries(other)

    lanes.record([done(first)._replace(started=HOUR), done(second)._replace(started=HOUR + LATER)])
    lanes.record([done(third)._replace(started=HOUR), done(fourth, "given_up")._replace(started=HOUR)])

    found = counts_of([other.pk, loop.pk], HOUR, HOUR + 2 * LATER)
    assert {hour: counts.delivered for hour, counts in found[loop.pk].items()} == {HOUR: 1, HOUR + LATER: 1}
    assert {hour: (counts.delivered, counts.given_up) for hour, counts in found[other.pk].items()} == {HOUR: (1, 1)}


def engine_that_records(*sets: list[Done]) -> threading.Thread:
    """Its own connection, as another process has it."""

    def record() -> None:
        try:
            for each in sets:
                lanes.record(each)
        finally:
            connection.close()

    engine = threading.Thread(target=record)
    engine.start()
    return engine


def test_two_engines_that_record_at_once_lose_no_count(message: Message) -> None:
    loops = [make_verified_loop(message.account) for _ in range(3)]
    sets = [[done(each) for each in Delivery.objects.filter(event_id=event)] for event in owe(message, 40)]

    engines = engine_that_records(*sets[:20]), engine_that_records(*sets[20:])
    for engine in engines:
        engine.join()

    for loop in loops:
        assert (counted(loop).delivered, sum(counted(loop).latency)) == (40, 40)


def test_hours_are_locked_in_order_so_that_two_engines_never_wait_for_each_other(message: Message) -> None:
    loops = [make_verified_loop(message.account).pk for _ in range(8)]
    owe(message)
    ended = [done(delivery) for delivery in Delivery.objects.order_by("-loop_id")]
    for loop in loops:
        _row(loop, hour_of(ended[0].started))

    with transaction.atomic():
        LoopHour.objects.select_for_update().get(loop_id=loops[4])
        engine = engine_that_records(ended)
        wait_until(_somebody_waits, "the engine waits for the hour that is locked")
        unlocked = set(LoopHour.objects.select_for_update(skip_locked=True).values_list("loop_id", flat=True))
    engine.join()

    assert unlocked == set(loops[4:])


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


def test_counting_on_writes_no_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE oid = 'feedbackloops_loophour'::regclass")
        assert cursor.fetchone() == (["fillfactor=70"],)
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'feedbackloops_loophour'")
        [(index,)] = cursor.fetchall()

    assert "UNIQUE" in index
    assert index.endswith("(loop_id, hour)")


def test_counts_of_a_loop_without_any_are_none(loop: FeedbackLoop) -> None:
    assert counts_of([loop.pk], HOUR, HOUR + LATER) == {loop.pk: {}}
    assert total([]) == Counts()


def test_only_the_hours_asked_for_are_read() -> None:
    for number in range(4):
        OwedCount.objects.create(loop_id=7, hour=HOUR + number * LATER, count=1)
        _row(7, HOUR + number * LATER)
    OwedCount.objects.create(loop_id=8, hour=HOUR + LATER, count=1)
    _row(8, HOUR + LATER)

    found = counts_of([7], HOUR + LATER, HOUR + 3 * LATER)

    assert {loop: sorted(hours) for loop, hours in found.items()} == {7: [HOUR + LATER, HOUR + 2 * LATER]}


def test_rows_of_what_was_owed_count_together() -> None:
    for count in (1, 2, 3):
        OwedCount.objects.create(loop_id=7, hour=HOUR, count=count)

    assert counts_of([7], HOUR, HOUR + LATER) == {7: {HOUR: Counts(owed=6)}}


def test_many_loops_are_asked_for_as_one(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for loop in range(10):
        _row(loop, HOUR)

    with django_assert_num_queries(2):
        assert len(counts_of(range(10), HOUR, HOUR + LATER)) == 10


def test_an_hour_that_was_counted_with_fewer_buckets_is_read_and_counted_on(
    message: Message, loop: FeedbackLoop
) -> None:
    owe(message)
    [delivery] = deliveries(loop)
    _row(loop.pk, hour_of(moment_of(delivery.pk)), latency=[1, 2])
    assert counted(loop).latency == (1, 2, *NO_LATENCY[2:])

    lanes.record([done(delivery)])

    assert counted(loop).latency == (1, 2, 0, 1, *NO_LATENCY[4:])


def test_an_hour_begins_in_utc_whatever_the_zone() -> None:
    india = datetime.fromisoformat("2026-03-08T20:15:30.5+05:30")

    assert hour_of(india) == HOUR
    assert hour_of(india).tzinfo is UTC


def _row(loop: int, hour: datetime, **values: object) -> LoopHour:
    counts = {"delivered": 1, "failed": 0, "given_up": 0, "latency": list(bucket(0))}
    return LoopHour.objects.create(loop_id=loop, hour=hour, **counts | values)
