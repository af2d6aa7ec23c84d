from datetime import timedelta
from ipaddress import ip_network
from uuid import uuid4

import pytest
import redis
from django.db import InterfaceError, OperationalError
from django.utils.timezone import now
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from feedbackloops import lanes, resending, tasks, testcalls
from feedbackloops.forgetting.people import begin, person_at
from feedbackloops.models import Delivery, FeedbackLoop, Forgetting, LaneState, LedgerLine, TestCall, VerificationLook
from feedbackloops.watching import BUSY_TASKS
from tests.factories import make_account, make_events, make_loop, make_message, make_verified_loop, owe
from tests.feedbackloops.test_doorbell import broker, wait_for  # noqa: F401  (a fixture)
from tests.http_server import HttpServer, ok
from tracking.ids import new_id
from tracking.models import Message, Outbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def run_as_often_as_called(settings: Settings) -> None:
    settings.SWEEP_SECONDS = settings.LOOK_SECONDS = 0.0


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def rung(broker: redis.Redis, queue: str, tasks: int = 1) -> set[object]:  # noqa: F811
    return {argument for _, arguments in wait_for(broker, queue, tasks) for argument in arguments}


def test_fan_out_rings_the_lanes_that_it_owed_something(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
) -> None:
    tasks.fan_out([str(id) for id in make_events(message)])

    assert rung(broker, "deliveries") == {loop.pk}
    assert Delivery.objects.count() == 1


def test_tasks_that_fan_out_are_what_the_watcher_goes_by(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
) -> None:
    tasks.watcher.cache_clear()
    for id in make_events(message, BUSY_TASKS):
        assert not tasks.watcher()._busy.is_set()
        tasks.fan_out([str(id)])

    assert tasks.watcher()._busy.is_set()
    tasks.watcher.cache_clear()


def test_the_sweep_rings_for_lanes_whose_ring_was_lost(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
) -> None:
    owe(message)

    tasks.sweep()

    assert rung(broker, "deliveries") == {loop.pk}


def test_the_sweep_has_events_fanned_out_whose_ring_was_lost(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
) -> None:
    make_events(message, 3)
    Outbox.objects.update(created=now() - timedelta(minutes=1))

    tasks.sweep()
    assert wait_for(broker, "events")

    tasks.drain()
    assert Delivery.objects.count() == 3
    assert not Outbox.objects.exists()


def test_of_a_heap_of_sweeps_one_runs(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
    settings: Settings,
) -> None:
    tasks.sweep()
    settings.SWEEP_SECONDS = 60.0
    owe(message)

    for _ in range(100):
        tasks.sweep()
    settings.SWEEP_SECONDS = 0.0
    assert wait_for(broker, "deliveries", seconds=0.2) == []

    tasks.sweep()
    assert rung(broker, "deliveries") == {loop.pk}


def test_the_sweep_leaves_alone_what_was_recorded_just_now(message: Message, loop: FeedbackLoop) -> None:
    make_events(message)
    Outbox.objects.update(created=now())

    tasks.drain()

    assert Outbox.objects.count() == 1


def test_a_look_that_verifies_rings_the_lane(server: HttpServer, broker: redis.Redis) -> None:  # noqa: F811
    loop = make_loop(make_account(), url=server.url("/script.php"))
    server.behaviour = ok(loop.verification_content.encode())

    tasks.look([loop.pk])

    assert rung(broker, "deliveries") == {loop.pk}


def test_looks_that_are_due_are_rung_for(broker: redis.Redis) -> None:  # noqa: F811
    loop = make_loop(make_account())
    FeedbackLoop.objects.update(last_look=now() - timedelta(minutes=1))

    tasks.look_where_due()

    assert rung(broker, "looks") == {loop.pk}


def test_each_test_call_that_is_rung_for_is_made(server: HttpServer) -> None:
    loop = make_verified_loop(make_account(), url=server.url("/script.php"))
    call = testcalls.begin(loop)

    tasks.call_test([str(call.pk)])

    assert TestCall.objects.get().outcome == "accepted"


def test_a_test_call_whose_ring_was_lost_is_rung_for_again(broker: redis.Redis) -> None:  # noqa: F811
    loops = [make_verified_loop(make_account()) for _ in range(2)]
    lost, _fresh = [testcalls.begin(loop) for loop in loops]
    TestCall.objects.filter(pk=lost.pk).update(asked=now() - timedelta(seconds=10))

    tasks.look_where_due()

    assert rung(broker, "looks") == {str(lost.pk)}


def test_what_is_gone_meanwhile_is_passed_over() -> None:
    tasks.look([0])
    tasks.call_test([str(uuid4())])

    assert not VerificationLook.objects.exists()
    assert not TestCall.objects.exists()


def test_saving_an_unverified_loop_has_its_file_looked_for(
    broker: redis.Redis,  # noqa: F811
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        loop = make_loop(make_account())

    assert rung(broker, "looks") == {loop.pk}


def test_saving_a_verified_loop_wakes_its_lane(
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        loop.save(update_fields=["status"])

    assert rung(broker, "deliveries") == {loop.pk}


def test_keeping_partitions_and_summing_up_run() -> None:
    tasks.keep_partitions()
    tasks.compact_counts()


def test_watching_stops_what_failed_too_long_sends_the_mails_and_rings_for_resends(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
    settings: Settings,
    mailoutbox: list[object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("feedbackloops.failing.WATCH_SECONDS", 0.0)
    settings.STAFF_EMAILS = ["ops@example.com"]
    owe(message)
    LaneState.objects.update(failing_since=now(), failing_for=settings.FAILING_STOP_SECONDS)
    resend = resending.begin(loop, now() - timedelta(hours=1), now(), ["given_up"])
    left = Forgetting.objects.create(pk=10**6, account=loop.account, touched=now() - timedelta(hours=1))

    tasks.watch_loops()

    assert LaneState.objects.get().stop_reason == "failing"
    assert len(mailoutbox) == 1
    assert rung(broker, "looks", 2) == {resend.pk, left.pk}


def test_who_is_to_be_forgotten_is_forgotten_by_a_task_in_several_goes(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "TURN_SECONDS", -1.0)
    order = begin(person_at(message.recipient, loop.account_id))
    tasks.forget([order.pk])
    assert rung(broker, "looks") == {order.pk}
    for _ in range(20):
        tasks.forget([order.pk])
    order.refresh_from_db()
    assert (order.left, bool(order.finished), Message.objects.count()) == ({}, True, 0)


def test_a_resend_that_takes_long_comes_back_behind_what_else_there_is_to_do(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owe(message, 3)
    monkeypatch.setattr(resending, "LOOKED_AT_ONCE", 1)
    monkeypatch.setattr(tasks, "TURN_SECONDS", -1.0)
    resend = resending.begin(loop, now() - timedelta(hours=1), now(), ["given_up"])

    tasks.send_again([resend.pk])

    assert rung(broker, "looks") == {resend.pk}


def test_the_ledger_is_counted_for_days_that_are_named_or_may_have_changed(
    message: Message, loop: FeedbackLoop
) -> None:
    owe(message)
    tasks.count_ledger(["2001-02-03"])
    assert not LedgerLine.objects.exists()
    tasks.count_ledger()
    assert LedgerLine.objects.get().owed == 1


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_task_gives_way_while_postgres_is_away_and_says_so_in_one_line(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def lose_the_database(ids: object) -> None:
        raise error("the connection is lost\n")

    monkeypatch.setattr("feedbackloops.fanout.fan_out", lose_the_database)

    tasks.fan_out([str(new_id())])

    assert [each.message for each in caplog.records] == ["fan_out waits for PostgreSQL: the connection is lost"]


def test_a_worker_says_at_its_start_which_inner_networks_it_may_call(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEVELOPMENT = False
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("8.0.0.0/5")]

    tasks.warn_of_networks()

    assert "8.0.0.0/5: 10.0.0.0/8 (a private network address). Take out" in caplog.text


def test_a_lane_that_an_engine_holds_is_told_and_not_rung(
    message: Message,
    loop: FeedbackLoop,
    broker: redis.Redis,  # noqa: F811
) -> None:
    other = make_verified_loop(message.account)
    lanes.lease(uuid4(), [loop.pk], 45)

    tasks.fan_out([str(id) for id in make_events(message)])

    assert rung(broker, "deliveries") == {other.pk}
    assert Delivery.objects.count() == 2
