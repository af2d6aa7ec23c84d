import signal
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils.timezone import now

from feedbackloops import lanes
from feedbackloops.models import Delivery, FeedbackLoop, LaneState, LoopHour, ParkedEvent
from feedbackloops.protocol import latency
from marketingsuite.devstack import Stack
from marketingsuite.metrics import queues
from tests.factories import make_account, make_events, make_loop, make_message, make_verified_loop, owe
from tests.marketingsuite.metrics.conftest import Figures
from tracking.ids import new_id
from tracking.models import Message, Outbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def message() -> Message:
    return make_message()


def figure(figures: Figures, name: str, *labels: str) -> float:
    return figures[f"marketingsuite_{name}", frozenset(labels)]


def test_the_outbox_is_counted_and_its_oldest_row_has_an_age(figures: Callable[[], Figures], message: Message) -> None:
    assert (figure(figures(), "outbox_rows"), figure(figures(), "outbox_oldest_seconds")) == (0, 0)
    make_events(message, 3)
    Outbox.objects.update(created=now() - timedelta(minutes=5))
    assert figure(figures(), "outbox_rows") == 3
    assert figure(figures(), "outbox_oldest_seconds") == pytest.approx(300, abs=20)


def test_a_jam_is_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, message: Message) -> None:
    make_events(message, 5)
    monkeypatch.setattr(queues, "OUTBOX", queues.OUTBOX.replace(str(queues.MOST_OF_OUTBOX), "2"))
    assert next(queues.outbox()).samples[0].value == 2


def test_parked_events_are_counted(figures: Callable[[], Figures]) -> None:
    ParkedEvent.objects.create(event_id=new_id(), error="it failed")
    assert figure(figures(), "parked_events") == 1


def make_lane(message: Message, **values: object) -> FeedbackLoop:
    loop = make_verified_loop(message.account)
    LaneState.objects.update_or_create(loop=loop, defaults=values)
    return loop


def test_what_waits_is_told_apart_by_the_state_of_its_lane(figures: Callable[[], Figures], message: Message) -> None:
    make_lane(message)
    cooling = make_lane(message, cooling_until=now() + timedelta(minutes=1))
    paused, stopped, moved = (make_lane(message) for _ in range(3))
    make_loop(message.account)
    owe(message, 2)
    FeedbackLoop.objects.filter(pk=paused.pk).update(status="paused")
    FeedbackLoop.objects.filter(pk=moved.pk).update(place="https://elsewhere.example/")
    LaneState.objects.filter(pk=stopped.pk).update(stopped=now())
    Delivery.objects.filter(loop=cooling).update(next_attempt=now() - timedelta(seconds=100))
    found = figures()
    lanes = {state: figure(found, "lanes", state) for state in queues.LANE_STATES}
    assert lanes == {"active": 1, "cooling": 1, "stopped": 1, "unverified": 2, "paused": 1, "disabled": 0}
    assert [figure(found, "lane_depth", state) for state in lanes] == [2, 2, 2, 2, 2, 0]
    assert figure(found, "lane_oldest_seconds", "cooling") == pytest.approx(100, abs=20)
    assert figure(found, "lane_oldest_seconds", "active") < 20


def test_a_delivery_that_is_due_later_makes_its_lane_not_late(figures: Callable[[], Figures], message: Message) -> None:
    make_lane(message)
    owe(message)
    Delivery.objects.update(next_attempt=now() + timedelta(hours=1))
    found = figures()
    assert (figure(found, "lane_depth", "active"), figure(found, "lane_oldest_seconds", "active")) == (1, 0)


def test_engines_and_their_leases_are_counted(figures: Callable[[], Figures], message: Message) -> None:
    loops = [make_verified_loop(message.account) for _ in range(3)]
    lanes.lease(uuid4(), [loops[0].pk, loops[1].pk], 45.0)
    lanes.lease(uuid4(), [loops[2].pk], 45.0)
    assert (figure(figures(), "engines"), figure(figures(), "leases")) == (2, 3)


def test_what_came_of_todays_attempts_is_read_from_the_hours(figures: Callable[[], Figures]) -> None:
    loop = make_verified_loop(make_account())
    for hour, count in ((now(), 1), (now() - timedelta(days=1), 100)):
        at = hour.replace(minute=0, second=0, microsecond=0)
        buckets = [count] + [0] * (latency.BUCKETS - 2) + [count]
        LoopHour.objects.create(
            loop_id=loop.pk, hour=at, delivered=2 * count, failed=count, given_up=0, latency=buckets
        )
    found = figures()
    assert [figure(found, "ended_total", name) for name in ("delivered", "failed", "given_up")] == [2, 1, 0]
    assert figure(found, "latency_seconds_bucket", "0.005") == 1
    assert figure(found, "latency_seconds_bucket", "3600.0") == 1
    assert figure(found, "latency_seconds_bucket", "+Inf") == figure(found, "latency_seconds_count") == 2


def test_hours_from_before_a_bucket_was_added_count_as_well(figures: Callable[[], Figures]) -> None:
    loop = make_verified_loop(make_account())
    at = now().replace(minute=0, second=0, microsecond=0)
    LoopHour.objects.create(loop_id=loop.pk, hour=at, delivered=1, failed=0, given_up=0, latency=[1])
    assert figure(figures(), "latency_seconds_bucket", "+Inf") == 1


def test_the_days_that_have_partitions_are_counted(figures: Callable[[], Figures]) -> None:
    assert figure(figures(), "partitions_ahead_days") >= 1


def test_a_statement_that_takes_too_long_costs_its_own_figures_only(
    figures: Callable[[], Figures], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PATIENCE_MS", 50)
    monkeypatch.setattr(queues, "PARKED", "SELECT 1 FROM pg_sleep(1)")
    found = figures()
    assert ("marketingsuite_outbox_rows", frozenset()) not in found
    assert figure(found, "engines") == 0
    assert figure(found, "gathered", "database") == 1


def test_a_frozen_postgres_costs_its_figures_and_not_those_of_the_host(
    figures: Callable[[], Figures], stack: Stack
) -> None:
    if not stack.postgres:
        pytest.skip("only an embedded PostgreSQL can be frozen, unset DATABASE_URL")
    connection.close()
    stack.postgres.send(signal.SIGSTOP)
    try:
        found = figures()
    finally:
        stack.postgres.send(signal.SIGCONT)
    assert figure(found, "gathered", "database") == 0
    assert figure(found, "gathered", "host") == 1
    assert figure(found, "spool_files", "hits") == 0


def test_no_figure_is_read_from_history() -> None:
    statements = (queues.OUTBOX, queues.PARKED, queues.LANES, queues.ENGINES, queues.TODAY)
    assert not any("feedbackloops_attempt" in each or "tracking_event" in each for each in statements)
