"""What Celery is rung for. Tasks are thin: PostgreSQL says what there is to do, and any of them may be lost."""

import logging
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache, wraps
from time import monotonic
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from celery.signals import worker_ready, worker_shutdown
from celery.worker.consumer import Consumer
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils.timezone import now

from feedbackloops import (
    doorbell,
    failing,
    fanout,
    history,
    jumps,
    lanes,
    ledger,
    mailing,
    resending,
    rotation,
    testcalls,
    verification,
)
from feedbackloops.checks import allowed_networks
from feedbackloops.engine import engine, stop_engine
from feedbackloops.forgetting import work
from feedbackloops.forgetting.removing import Busy
from feedbackloops.models import FeedbackLoop
from feedbackloops.watching import Watcher
from tracking import positions, refusing, ruling
from tracking.mailin import prune_unread

logger = logging.getLogger(__name__)

# The sweep leaves alone what was recorded just now: its own ring is on its way.
RING_SECONDS = 2.0
DRAIN_AT_ONCE = 500
DRAIN_ROUNDS = 20
SHUTDOWN_SECONDS = 20.0
# More than the hour between two times.
FOLLOW_FOR = timedelta(hours=2)
# Of what takes long, before it makes way for what else there is.
TURN_SECONDS = 20.0


class Ring(Task):  # type: ignore[type-arg]  # not generic at run time
    """A task that gives way while PostgreSQL is away: what it was to do is rung for again."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            logger.warning("%s waits for PostgreSQL: %s", self.name, str(error).strip())
            return None


def at_most_every(seconds: Callable[[], float]) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Let a task that beat repeats pass by unless so many seconds have gone since it last ran in this process.

    A worker that was away finds a heap of them. (Celery's own `expires` compares the clocks of two machines.)
    """

    def decorate(task: Callable[[], None]) -> Callable[[], None]:
        last = float("-inf")

        @wraps(task)
        def run() -> None:
            nonlocal last
            if monotonic() - last >= seconds():
                last = monotonic()
                task()

        return run

    return decorate


@shared_task(base=Ring, name="fan_out")
def fan_out(ids: list[str]) -> None:
    """Owe the deliveries of these events, and ring the lanes that got any."""
    watcher().notice_task()
    _fan_out([UUID(id) for id in ids])


@shared_task(base=Ring, name="drain")
def drain() -> None:
    """Fan out what has waited too long, oldest first; what one task can't do is left to the next."""
    for _ in range(DRAIN_ROUNDS):
        ids = fanout.waiting(DRAIN_AT_ONCE, RING_SECONDS)
        if not ids:
            return
        _fan_out(ids)


def _fan_out(ids: Sequence[UUID]) -> None:
    loops = fanout.fan_out(ids)
    doorbell.ring_for_lanes(loops - lanes.tell(loops))


@cache
def watcher() -> Watcher:
    """The one who watches the outbox in this process, once started."""
    return Watcher(_fan_out, doorbell.ring_for_events)


@shared_task(base=Ring, name="sweep")
@at_most_every(lambda: settings.SWEEP_SECONDS / 2)
def sweep() -> None:
    """Ring again for all that waits: events in the outbox, lanes that nobody holds."""
    if fanout.waiting(1, RING_SECONDS):
        drain.delay()
    doorbell.ring_for_lanes(lanes.due())


@shared_task(base=Ring, name="mend_jumps")
def mend_jumps() -> None:
    """Set right what a clock that has jumped back left for later; the sweep then finds it."""
    jumps.mend()


@shared_task(base=Ring, name="deliver")
def deliver(loops: list[int]) -> None:
    """Hand the lanes to the engine of this process."""
    engine().ring(loops)


@shared_task(base=Ring, name="look")
def look(loops: list[int]) -> None:
    """Look for the verification file of each loop; a loop that is verified by it gets what it was owed."""
    for loop in FeedbackLoop.objects.filter(pk__in=loops):
        if verification.look(loop):
            doorbell.ring_for_lanes([loop.pk])


@shared_task(base=Ring, name="look_where_due")
@at_most_every(lambda: settings.LOOK_SECONDS / 2)
def look_where_due() -> None:
    """Look for the verification files that are waited for, and make test calls whose ring was lost; each in a task."""
    for loop in verification.due(now()):
        look.delay([loop])
    for call in testcalls.waiting(now()):
        call_test.delay([str(call)])


@shared_task(base=Ring, name="call_test")
def call_test(ids: list[str]) -> None:
    """Make each of these test calls."""
    for id in ids:
        testcalls.make(UUID(id))


@shared_task(base=Ring, name="keep_partitions")
def keep_partitions() -> None:
    """Make the partitions of the days ahead and drop those that are old enough; mend what a crash left unrefused.

    And notice where another server numbers what is recorded; delete old mails that nobody could read.
    """
    moment = now()
    today = moment.date()
    history.make_partitions(today)
    history.drop_old_partitions(today)
    positions.begin_era_if_needed()
    testcalls.forget_old(today)
    refusing.follow_lately(FOLLOW_FOR)
    prune_unread(moment, settings.UNREAD_MAIL_DAYS)


@shared_task(base=Ring, name="compact_counts")
def compact_counts() -> None:
    """Sum up the counts that fan-outs only add to."""
    history.sum_up()


@shared_task(base=Ring, name="end_overlaps")
def end_overlaps() -> None:
    """Let go of previous secrets that have signed for long enough."""
    rotation.end_overlaps(now(), settings.SECRET_OVERLAP_DAYS)


@shared_task(base=Ring, name="watch_loops")
@at_most_every(lambda: failing.WATCH_SECONDS / 2)
def watch_loops() -> None:
    """Stop the loops that have failed for too long, send the mails that are due, ring for what goes on."""
    failing.watch()
    doorbell.ring_for_resends(resending.unfinished())
    doorbell.ring_for_forgetting(work.unfinished(now()))
    mailing.send_due()


@shared_task(base=Ring, name="send_again")
def send_again(resends: list[int]) -> None:
    """Go on with each of these resends for a while; a long one comes back behind what else there is to do."""
    for resend in resends:
        end = monotonic() + TURN_SECONDS
        while resending.go_on(resend):
            if monotonic() > end:
                doorbell.ring_for_resends([resend])
                break


@shared_task(base=Ring, name="forget")
def forget(orders: list[int]) -> None:
    """Go on with forgetting each of these people for a while; what is left comes back behind what else there is."""
    for order in orders:
        end = monotonic() + TURN_SECONDS
        try:
            while work.go_on(order):
                if monotonic() > end:
                    doorbell.ring_for_forgetting([order])
                    break
        except (Busy, OSError) as error:
            logger.info("Forgotten person %d: tried again within minutes (%s)", order, type(error).__name__)


@shared_task(base=Ring, name="count_ledger")
def count_ledger(days: list[str] | None = None) -> None:
    """Count these days (ISO dates) of the ledger; without any, those that may have changed."""
    ledger.count([date.fromisoformat(day) for day in days] if days else ledger.days_due(now()))
    ledger.forget_gone()


@worker_ready.connect
def warm_up(sender: Consumer, **kwargs: Any) -> None:
    """Have the engine up and connected, or the judge at hand, before the first ring, in a worker that will get any."""
    queues, routes = sender.app.amqp.queues.consume_from, settings.CELERY_TASK_ROUTES
    if routes["deliver"]["queue"] in queues:
        engine()
    if routes["fan_out"]["queue"] in queues:
        ruling.warm_up()


@worker_ready.connect
def watch_outbox(sender: Consumer, **kwargs: Any) -> None:
    """Have somebody ready to watch the outbox in a worker that fans out."""
    if settings.CELERY_TASK_ROUTES["fan_out"]["queue"] in sender.app.amqp.queues.consume_from:
        watcher().start()


@worker_ready.connect
def warn_of_networks(**kwargs: Any) -> None:
    """Say what a worker may call: of the checks, which say it too, it runs none."""
    for message in allowed_networks():
        logger.warning("%s %s", message.msg, message.hint)


@worker_shutdown.connect
def shut_down(**kwargs: Any) -> None:
    """Let the calls under way end before the process does."""
    watcher().stop(SHUTDOWN_SECONDS)
    stop_engine(SHUTDOWN_SECONDS)
    connection.close()
