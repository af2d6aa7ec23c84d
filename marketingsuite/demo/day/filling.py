"""Writing the demo's day: in sets, by the statements of the flow itself, so that every count fits every row."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection

from feedbackloops import history, lanes
from feedbackloops.calls import Script
from feedbackloops.fanout import fan_out
from feedbackloops.lanes import Done
from feedbackloops.models import Delivery, FeedbackLoop, LaneState, ScriptVersion
from feedbackloops.protocol.outcome import Reply, judge
from feedbackloops.protocol.signing import secret_mark
from feedbackloops.queries import SECONDS_OF_ID
from feedbackloops.versions import fingerprint_of
from marketingsuite.demo.day import fates, plan
from marketingsuite.demo.day.cast import FAILING, HEALTHY, SLOW, Cast
from marketingsuite.demo.day.fates import Fate
from marketingsuite.demo.day.plan import Mail
from tracking import partitions
from tracking.ids import derived_id, first_id_at, keyed_id, moment_of, new_id
from tracking.models import Event, HitCount, Message
from tracking.store import EventRow, store_events

DAY: Final = timedelta(days=1)
# For so long has the failing script failed.
FAILING_FOR: Final = timedelta(hours=9)
# Long enough ago for a whole schedule of attempts.
EARLIER: Final = timedelta(days=4)
SET: Final = 1_000
HITS: Final = ("open", "click", "unsubscribe")

T = TypeVar("T")
Decide = Callable[[datetime], Fate]


def fill(cast: Cast, until: datetime, chance: Random, mails: int = plan.MAILS) -> int:
    """Write what happened since the last time, or in a day, with so many mails in 24 hours; the number of events.

    The loops have to be verified, and paused.
    """
    known = Event.objects.filter(account=cast.account, message__isnull=False, pk__gte=first_id_at(until - DAY))
    newest = max((moment_of(id) for id in known.values_list("pk", flat=True)), default=None)
    start = newest + timedelta(milliseconds=1) if newest else until - DAY
    first = first_id_at(start)
    planned = plan.a_day(start, until, len(cast.profiles), chance, mails)
    if newest is None:
        planned = _outage_of_last_week(until, len(cast.profiles), chance) + planned
        first = first_id_at(until - EARLIER - DAY)
    _make_partitions(until)
    events = _store(cast, planned)
    for some in _sets(events):
        fan_out(some)
    _date_back(first)
    _send(cast, first, until, chance)
    return len(events)


def _sets(things: Sequence[T]) -> Iterator[Sequence[T]]:
    return (things[start : start + SET] for start in range(0, len(things), SET))


def _outage_of_last_week(until: datetime, people: int, chance: Random) -> list[Mail]:
    """A few clicks of four days ago, which the failing script never took."""
    mails = plan.a_day(until - EARLIER, until - EARLIER + timedelta(hours=3), people, chance)
    clicks = ([each for each in mail.happenings if each.type == "click"] for mail in mails)
    kept = (replace(mail, happenings=happened) for mail, happened in zip(mails, clicks, strict=True))
    return [mail for mail in kept if mail.happenings][:12]


def _make_partitions(until: datetime) -> None:
    wanted = list(partitions.days((until - EARLIER).astimezone(UTC).date(), EARLIER.days + 1))
    for table in history.TABLES:
        partitions.make(table, wanted, history.STORAGE.get(table, ""))


def _store(cast: Cast, mails: Sequence[Mail]) -> list[UUID]:
    numbers, rows, messages = count(), [], []
    seed = str(new_id())
    for mail in mails:
        message = _message(cast, mail, keyed_id(mail.sent, seed, str(next(numbers))))
        messages.append(message)
        for each in mail.happenings:
            id = keyed_id(each.at, seed, str(next(numbers)))
            rows.append(EventRow(id, each.type, cast.account.pk, message.pk, each.data))
    Message.objects.bulk_create(messages, batch_size=SET)
    for some in _sets(rows):
        store_events(some)
    _count_hits(rows)
    return [row.id for row in rows]


def _message(cast: Cast, mail: Mail, id: UUID) -> Message:
    profile = cast.profiles[mail.person]
    return Message(
        id=id,
        account=cast.account,
        profile=profile,
        recipient=profile.fields["email"],
        tags=[mail.kind],
        created=mail.sent,
        subject=mail.subject,
    )


def _count_hits(rows: Iterable[EventRow]) -> None:
    """As the web process would have, had the hits come in: the ledger compares the two."""
    by_day: Counter[date] = Counter(moment_of(row.id).date() for row in rows if row.type in HITS)
    process = new_id()
    HitCount.objects.bulk_create(HitCount(process=process, day=day, accepted=n, lost=0) for day, n in by_day.items())


def _date_back(first: UUID) -> None:
    """Have events and deliveries be stored when they would have been."""
    moment = f"to_timestamp({SECONDS_OF_ID}) + interval '9 milliseconds'"
    with connection.cursor() as cursor:
        for table, column in (("tracking_event", "recorded"), ("feedbackloops_delivery", "owed")):
            cursor.execute(f"UPDATE {table} SET {column} = {moment} WHERE id >= %s AND {column} > {moment}", [first])


def _send(cast: Cast, first: UUID, until: datetime, chance: Random) -> None:
    for name in (HEALTHY, SLOW, FAILING):
        loop = cast.loops[name]
        waiting = list(Delivery.objects.filter(loop=loop, pk__gte=first, state="pending", attempts=0).order_by("pk"))
        decide = _decider(name, until, chance)
        _record(loop, [(delivery, decide(delivery.occurred_at)) for delivery in waiting], until)
        _note(loop, name, until)


def _decider(name: str, until: datetime, chance: Random) -> Decide:
    schedule = settings.RETRY_SCHEDULE
    since, places = until - FAILING_FOR, count()

    def failing(at: datetime) -> Fate:
        if at < until - DAY:
            return fates.given_up(at, until, chance, schedule)
        return fates.failing(at, since, until, next(places) if at >= since else 0, chance, schedule)

    if name == FAILING:
        return failing
    return lambda at: (fates.healthy if name == HEALTHY else fates.slow)(at, chance, schedule)


def _record(loop: FeedbackLoop, fates_of: Sequence[tuple[Delivery, Fate]], until: datetime) -> None:
    """In rounds: the first attempts of all, then the second ones, as a statement moves a delivery on once."""
    rounds: dict[int, list[Done]] = defaultdict(list)
    version = _version(loop)
    for delivery, fate in fates_of:
        made = [each for each in fate.tries if each.started + timedelta(seconds=each.total) < until]
        for number, each in enumerate(made, start=1):
            is_last = number == len(fate.tries)
            due = fate.due if is_last else fate.tries[number].started
            rounds[number].append(_done(delivery, number, each, fate.state if is_last else "pending", due, version))
    for number in sorted(rounds):
        for some in _sets(rounds[number]):
            lanes.record(some)


def _done(delivery: Delivery, number: int, made: fates.Try, state: str, due: datetime | None, version: int) -> Done:
    return Done(
        id=derived_id(delivery.pk, number, 0),
        delivery=delivery.pk,
        loop=delivery.loop_id,
        account=delivery.account_id,
        number=number,
        started=made.started,
        outcome=made.judgement.outcome,
        state=state,
        pause=max(0.0, (due - datetime.now(UTC)).total_seconds()) if due else 0.0,
        message=made.judgement.message,
        status=made.status,
        address=fates.ADDRESS,
        timings=(0.0004, made.connect, 0.0, max(0.0, made.total - made.connect - 0.0004), made.total),
        answer=made.answer,
        head=made.head,
        version=version,
    )


def _version(loop: FeedbackLoop) -> int:
    script = Script.from_loop(loop)
    facts: dict[str, Any] = {"url": loop.url, "body_format": loop.body_format, "user_agent": settings.USER_AGENT}
    facts |= {"secrets": [secret_mark(secret) for secret in script.secrets]}
    found, _ = ScriptVersion.objects.get_or_create(loop=loop, fingerprint=fingerprint_of(script), defaults=facts)
    return found.pk


def _note(loop: FeedbackLoop, name: str, until: datetime) -> None:
    """What the engine would have noted of the lane."""
    state: dict[str, Any] = {"last_success": until - timedelta(seconds=2)}
    if name == FAILING:
        since = until - FAILING_FOR
        words = judge(Reply(500), now=until).message
        state = {
            "last_success": since - timedelta(seconds=40),
            "failing_since": since,
            "failing_for": FAILING_FOR.total_seconds(),
            "watched": until,
            "troubles": 12,
            "cooling_until": until + timedelta(minutes=3),
            "last_trouble": words,
        }
    LaneState.objects.update_or_create(loop=loop, defaults=state)
