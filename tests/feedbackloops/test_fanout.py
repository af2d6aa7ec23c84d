from datetime import timedelta
from typing import Any

import pytest

from feedbackloops import fanout
from feedbackloops.fanout import fan_out, waiting
from feedbackloops.models import (
    Delivery,
    EventCount,
    FeedbackLoop,
    LaneState,
    LoopStatus,
    OwedCount,
    Snapshot,
)
from profiles.models import Profile
from tests.factories import (
    make_account,
    make_database,
    make_events,
    make_message,
    make_profile,
    make_verified_loop,
    owe,
)
from tracking.ids import derived_id, moment_of, new_id
from tracking.models import Message, Outbox
from tracking.statements import run
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db(transaction=True)
# The verdict on a hit without a User-Agent.
NOBODY_KNOWS = {"verdict": "unknown", "reasons": ["no-useragent"]}


@pytest.fixture
def message() -> Message:
    message = make_message(make_profile(firstname="Ann"), tags=["spring", "sale"])
    Outbox.objects.all().delete()
    return message


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def test_an_event_is_owed_to_the_loop_that_wants_it(message: Message, loop: FeedbackLoop) -> None:
    [event] = make_events(message)

    assert fan_out([event]) == {loop.pk}

    delivery = Delivery.objects.get()
    assert delivery.pk == derived_id(event, loop.pk)
    assert (delivery.event_id, delivery.loop_id, delivery.account_id) == (event, loop.pk, message.account_id)
    assert (delivery.state, delivery.attempts) == ("pending", 0)
    assert not Outbox.objects.exists()


def test_the_snapshot_holds_what_was_known_at_that_moment(message: Message, loop: FeedbackLoop) -> None:
    [event] = owe(message)
    profile = Profile.objects.get()
    profile.fields = {"firstname": "Bob"}
    profile.save()

    assert Snapshot.objects.get(pk=event).data == {
        "recipient": "ann@example.com",
        "tags": ["spring", "sale"],
        "profile": profile.pk,
        "database": profile.database_id,
        "fields": {"firstname": "Ann"},
        "interests": ["shoes"],
        **NOBODY_KNOWS,
        "first": 1,
    }


def test_of_an_event_that_nobody_wants_no_more_is_kept_than_who_made_it(message: Message) -> None:
    [event] = owe(message)

    assert Snapshot.objects.get(pk=event).data == {**NOBODY_KNOWS, "first": 1}
    assert not OwedCount.objects.exists()
    assert not Outbox.objects.exists()


def test_an_event_of_another_account_is_never_owed(message: Message) -> None:
    make_verified_loop(make_account("Rival"))

    owe(message)

    assert not Delivery.objects.exists()


def test_a_message_of_another_account_is_not_shown(loop: FeedbackLoop) -> None:
    strange = make_message(make_profile(secret="of the rival"))
    row = EventRow(new_id(), "open", loop.account_id, strange.pk, {"ip": "192.0.2.1"})
    store_events([row])

    fan_out([row.id])

    assert Snapshot.objects.get(pk=row.id).data == {**NOBODY_KNOWS, "first": 1}


@pytest.mark.parametrize(
    ("values", "owed"),
    [
        ({"status": LoopStatus.ACTIVE}, True),
        ({"status": LoopStatus.PAUSED}, True),
        ({"status": LoopStatus.DISABLED}, False),
        ({"verified_place": ""}, False),
        ({"verified_place": "https://elsewhere.example:443/"}, True),
        ({"event_types": ["click"]}, False),
    ],
)
def test_a_loop_is_owed_what_its_state_says(
    message: Message, loop: FeedbackLoop, values: dict[str, object], owed: bool
) -> None:
    FeedbackLoop.objects.update(**values)

    assert bool(fan_out(make_events(message))) is owed


def test_a_loop_that_stopped_by_itself_is_owed_nothing_new(message: Message, loop: FeedbackLoop) -> None:
    LaneState.objects.filter(loop=loop).update(stopped=loop.created, stop_reason="gone")

    assert fan_out(make_events(message)) == set()


def test_a_loop_limited_to_databases_gets_the_events_of_their_profiles(message: Message, loop: FeedbackLoop) -> None:
    loop.databases.add(make_database(message.account))
    assert fan_out(make_events(message)) == set()

    assert message.profile
    loop.databases.add(message.profile.database)
    assert fan_out(make_events(message)) == {loop.pk}


def test_a_profile_event_is_limited_by_its_own_database(message: Message, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(event_types=["delete"])
    other = make_database(message.account)
    loop.databases.add(other)
    row = EventRow(new_id(), "delete", message.account_id, None, {"profile": 1, "database": other.pk})
    store_events([row])

    assert fan_out([row.id]) == {loop.pk}


def test_an_event_whose_message_is_gone_is_owed_with_what_is_known(message: Message, loop: FeedbackLoop) -> None:
    events = make_events(message)
    message.delete()

    assert fan_out(events) == {loop.pk}
    assert Snapshot.objects.get().data == {**NOBODY_KNOWS, "first": 1}


def test_an_event_whose_profile_is_gone_is_owed_with_what_is_known(message: Message, loop: FeedbackLoop) -> None:
    events = make_events(message)
    Profile.objects.all().delete()

    fan_out(events)

    known = {"recipient": "ann@example.com", "tags": ["spring", "sale"]}
    assert Snapshot.objects.get(pk=events[0]).data == {**known, **NOBODY_KNOWS, "first": 1}


def test_owing_twice_owes_once(message: Message, loop: FeedbackLoop) -> None:
    events = make_events(message, 3)
    fan_out(events)
    Outbox.objects.bulk_create([Outbox(event_id=event) for event in events])

    fan_out(events)

    assert Delivery.objects.count() == 3
    assert sum(OwedCount.objects.values_list("count", flat=True)) == 3


def test_what_is_owed_is_counted_by_the_hour_of_the_event(message: Message, loop: FeedbackLoop) -> None:
    [event] = owe(message)

    [owed] = OwedCount.objects.all()
    assert (owed.loop_id, owed.count) == (loop.pk, 1)
    assert timedelta(0) <= moment_of(event) - owed.hour < timedelta(hours=1)


def test_an_event_that_no_outbox_row_names_is_passed_over(message: Message, loop: FeedbackLoop) -> None:
    events = make_events(message)
    Outbox.objects.all().delete()

    assert fan_out(events) == set()
    assert not Delivery.objects.exists()


def test_a_set_takes_as_many_statements_as_one_event(
    message: Message, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_verified_loop(message.account)
    events = make_events(message, 50)
    statements: list[str] = []

    def count(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        statements.append(query)
        return run(query, **parameters)

    monkeypatch.setattr(fanout, "run", count)
    fan_out(events)

    assert len(statements) == 3  # take and load, wishes, owe
    assert Delivery.objects.count() == 100


def test_what_waits_is_found_the_oldest_first_and_not_too_early(message: Message) -> None:
    events = make_events(message, 3)

    assert waiting(10, older_than=60) == []
    assert waiting(2, older_than=-1) == sorted(events)[:2]


def test_events_are_counted_by_account_type_and_hour_whether_or_not_anybody_wants_them(message: Message) -> None:
    clicks, opens = make_events(message, 2, type="click"), make_events(message, 3)

    fan_out([*clicks, *opens])
    fan_out([*clicks, *opens])

    counted = EventCount.objects.order_by("type").values_list("account_id", "type", "hour", "count")
    hour = moment_of(clicks[0]).replace(minute=0, second=0, microsecond=0)
    assert list(counted) == [(message.account_id, "click", hour, 2), (message.account_id, "open", hour, 3)]
