from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils.timezone import now

from feedbackloops import lanes
from feedbackloops.lanes import NIL, START_OF_TIME, Claimed, Done, LaneNote, Place
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState
from tests.factories import make_message, make_profile, make_verified_loop, owe
from tracking.ids import derived_id
from tracking.models import Message

# Every statement reads the clock of its transaction, so these tests let them commit.
pytestmark = pytest.mark.django_db(transaction=True)

US, THEM = uuid4(), uuid4()


@pytest.fixture
def message() -> Message:
    return make_message(make_profile(firstname="Ann"))


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def claim(loop: FeedbackLoop, free: int = 100, place: Claimed | None = None) -> list[Claimed]:
    after, after_id = (place.next_attempt, place.id) if place else (START_OF_TIME, NIL)
    return lanes.claim([Place(loop.pk, free, after, after_id)])


def done(claimed: Claimed, state: str = "delivered", number: int | None = None, pause: float = 0.0) -> Done:
    number = number or claimed.attempts + 1
    return Done(
        id=derived_id(claimed.id, number, 1),
        delivery=claimed.id,
        loop=claimed.loop,
        account=claimed.account,
        number=number,
        started=now(),
        outcome="accepted" if state == "delivered" else "server error",
        state=state,
        pause=pause,
        message="The script accepted it (status 200).",
        status=200,
        address="192.0.2.1",
        timings=(0.001, 0.002, 0.003, 0.004, 0.01),
        answer=b"ok \xff",
    )


def note(loop: FeedbackLoop, number: int, **values: object) -> LaneNote:
    defaults = {"troubles": 0, "rests": 0.0, "succeeded": False, "failing": False, "trouble": "", "stop_reason": ""}
    return LaneNote(loop.pk, number, **defaults | values)  # type: ignore[arg-type]


def test_a_lane_is_leased_to_one_engine_at_a_time(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)

    assert lease == (loop.pk, 1, 0, 0.0, False)
    assert lanes.lease(THEM, [loop.pk], 45) == []


def test_an_engine_that_did_not_hear_of_its_lease_gets_another_one(loop: FeedbackLoop) -> None:
    lanes.lease(US, [loop.pk], 45)

    assert lanes.lease(US, [loop.pk], 45) == [(loop.pk, 2, 0, 0.0, False)]


def test_a_lease_that_lapsed_goes_to_the_next_engine_with_a_higher_number(loop: FeedbackLoop) -> None:
    lanes.lease(US, [loop.pk], 0)

    [lease] = lanes.lease(THEM, [loop.pk], 45)

    assert lease.number == 2
    assert lanes.renew(US, [(loop.pk, 1)], 45) == set()
    assert lanes.renew(THEM, [(loop.pk, 2)], 45) == {loop.pk}


def test_a_lapsed_lease_that_nobody_took_is_still_ours_to_renew(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 0)

    assert lanes.renew(US, [(loop.pk, lease.number)], 45) == {loop.pk}
    assert lanes.lease(THEM, [loop.pk], 45) == []


def test_a_loop_without_a_lane_row_gets_one_with_its_first_lease(loop: FeedbackLoop) -> None:
    LaneState.objects.all().delete()

    assert lanes.lease(US, [loop.pk], 45)[0].number == 1


def test_a_lease_of_no_loop_is_none(loop: FeedbackLoop) -> None:
    assert lanes.lease(US, [loop.pk + 1], 45) == []


def test_an_empty_lane_is_given_back(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)

    assert lanes.release(US, [(loop.pk, lease.number)]) == {loop.pk}
    assert lanes.lease(THEM, [loop.pk], 45)


def test_a_lane_in_which_something_is_due_is_not_given_back(message: Message, loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)
    owe(message)

    assert lanes.release(US, [(loop.pk, lease.number)]) == set()
    assert lanes.release(US, [(loop.pk, lease.number)], anyway=True) == {loop.pk}


def test_a_lane_of_another_engine_is_not_given_back(loop: FeedbackLoop) -> None:
    lanes.lease(US, [loop.pk], 0)
    lanes.lease(THEM, [loop.pk], 45)

    assert lanes.release(US, [(loop.pk, 1)], anyway=True) == set()


@pytest.mark.parametrize(
    "barred",
    [
        {"status": "paused"},
        {"status": "disabled"},
        {"verified_place": ""},
        {"verified_place": "https://elsewhere.example:443/"},
    ],
)
def test_a_lane_that_may_not_be_sent_has_no_facts_and_is_not_due(
    message: Message, loop: FeedbackLoop, barred: dict[str, str]
) -> None:
    owe(message)
    assert [each.loop for each in lanes.facts([loop.pk])] == [loop.pk]
    assert lanes.due() == [loop.pk]

    FeedbackLoop.objects.update(**barred)

    assert lanes.facts([loop.pk]) == []
    assert lanes.due() == []


def test_a_stopped_lane_has_no_facts_and_is_not_due(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    LaneState.objects.update(stopped=now())

    assert lanes.facts([loop.pk]) == []
    assert lanes.due() == []


def test_secrets_come_as_the_table_holds_them(loop: FeedbackLoop) -> None:
    [facts] = lanes.facts([loop.pk])

    assert loop.secret.startswith("whsec_")
    assert "whsec_" not in facts.secret


def test_a_claim_takes_what_is_due_the_earliest_first(message: Message, loop: FeedbackLoop) -> None:
    events = owe(message, 3)
    Delivery.objects.filter(event_id=events[1]).update(next_attempt=now() - timedelta(hours=1))
    Delivery.objects.filter(event_id=events[2]).update(next_attempt=now() + timedelta(hours=1))

    assert [each.event for each in claim(loop)] == [events[1], events[0]]


def test_a_claim_takes_no_more_than_there_is_room_for(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 5)

    assert len(claim(loop, free=2)) == 2


def test_a_claim_goes_on_from_the_last_one(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 5)
    Delivery.objects.update(next_attempt=now() - timedelta(minutes=1))
    first = claim(loop, free=2)

    second = claim(loop, free=5, place=first[-1])

    assert len(second) == 3
    assert not {each.id for each in first} & {each.id for each in second}


def test_a_delivery_that_was_owed_late_is_claimed_although_the_claim_has_passed_its_place(
    message: Message, loop: FeedbackLoop
) -> None:
    owe(message, 2)
    first, last = claim(loop)

    assert first in claim(loop, place=last._replace(next_attempt=now().isoformat()))


def test_a_claim_serves_many_lanes_at_once(message: Message, loop: FeedbackLoop) -> None:
    other = make_verified_loop(message.account)
    owe(message, 3)

    claimed = lanes.claim([Place(loop.pk, 2, START_OF_TIME, NIL), Place(other.pk, 1, START_OF_TIME, NIL)])

    assert sorted(each.loop for each in claimed) == [loop.pk, loop.pk, other.pk]


def test_events_come_with_their_snapshots(message: Message, loop: FeedbackLoop) -> None:
    [event] = owe(message)

    facts, snapshot = lanes.events([event])[event]

    assert (facts.type, facts.message, facts.data) == ("open", message.pk, {"ip": "192.0.2.1"})
    assert snapshot["fields"] == {"firstname": "Ann"}


def test_an_event_that_is_no_longer_kept_is_missing(message: Message, loop: FeedbackLoop) -> None:
    [event] = owe(message)

    assert set(lanes.events([event, uuid4()])) == {event}


def test_a_success_is_recorded_with_its_attempt(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)

    lanes.record([done(claimed)])

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome, delivery.attempts) == ("delivered", "accepted", 1)
    attempt = Attempt.objects.get()
    assert (attempt.delivery_id, attempt.number, attempt.status) == (claimed.id, 1, 200)
    assert (attempt.total, bytes(attempt.answer)) == (0.01, b"ok \xff")
    assert claim(loop) == []


def test_a_failure_is_due_again_after_its_pause(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)

    lanes.record([done(claimed, "pending", pause=30)])

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome, delivery.attempts) == ("pending", "server error", 1)
    assert timedelta(seconds=20) < delivery.next_attempt - now() < timedelta(seconds=31)
    assert claim(loop) == []


def test_a_success_that_is_told_late_counts_whoever_tried_meanwhile(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)
    lanes.record([done(claimed, "pending", pause=30)])

    lanes.record([done(claimed)])

    assert Delivery.objects.get().state == "delivered"


def test_a_failure_that_is_told_late_changes_nothing(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)
    lanes.record([done(claimed, "pending", number=1, pause=30)])

    lanes.record([done(claimed, "given_up", number=1)])

    assert (Delivery.objects.get().state, Delivery.objects.get().attempts) == ("pending", 1)


def test_a_delivery_that_is_no_longer_pending_stays_as_it_is(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    [claimed] = claim(loop)
    Delivery.objects.update(state="given_up")

    lanes.record([done(claimed)])

    assert Delivery.objects.get().state == "given_up"
    assert Attempt.objects.count() == 1


def test_what_was_learnt_of_a_lane_is_noted(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)

    lanes.note(US, [note(loop, lease.number, troubles=5, rests=10.0, trouble="It failed.")])

    lane = LaneState.objects.get()
    assert (lane.troubles, lane.last_trouble, lane.stopped) == (5, "It failed.", None)
    assert lane.cooling_until
    assert timedelta(seconds=9) < lane.cooling_until - now() < timedelta(seconds=11)


def test_a_new_lease_knows_of_troubles_and_rest(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)
    lanes.note(US, [note(loop, lease.number, troubles=6, rests=20.0)])
    lanes.release(US, [(loop.pk, lease.number)])

    [again] = lanes.lease(THEM, [loop.pk], 45)

    assert again.troubles == 6
    assert 19 < again.rests <= 20


def test_a_resting_lane_is_not_due(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    LaneState.objects.update(cooling_until=now() + timedelta(minutes=1))
    assert lanes.due() == []

    LaneState.objects.update(cooling_until=now() - timedelta(seconds=1))
    assert lanes.due() == [loop.pk]


def test_a_leased_lane_is_not_due(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    lanes.lease(US, [loop.pk], 45)

    assert lanes.due() == []


def test_a_lane_that_is_stopped_stays_so_when_success_is_noted_later(loop: FeedbackLoop) -> None:
    [lease] = lanes.lease(US, [loop.pk], 45)
    lanes.note(US, [note(loop, lease.number, stop_reason="gone", trouble="Gone.")])
    lanes.note(US, [note(loop, lease.number, succeeded=True)])

    lane = LaneState.objects.get()
    assert lane.stopped
    assert lane.stop_reason == "gone"
    assert lane.last_success


@pytest.mark.parametrize(("engine", "number"), [(THEM, 1), (US, 2)])
def test_an_engine_that_lost_the_lane_notes_nothing(loop: FeedbackLoop, engine: UUID, number: int) -> None:
    lanes.lease(US, [loop.pk], 45)

    lanes.note(engine, [note(loop, number, troubles=9)])

    assert LaneState.objects.get().troubles == 0


def test_statements_are_planned_once_per_connection(message: Message, loop: FeedbackLoop) -> None:
    connection.close()
    owe(message, 3)
    for _ in range(3):
        [claimed, *_others] = claim(loop)
        lanes.events([claimed.event])
        lanes.record([done(claimed)])

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(generic_plans), max(custom_plans) FROM pg_prepared_statements"
            " WHERE statement ~ 'feedbackloops_(delivery d|snapshot s)'"
        )
        assert cursor.fetchone() == (3, 3, 0)
