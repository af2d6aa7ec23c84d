from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils.timezone import now

from feedbackloops import lanes
from feedbackloops.lanes import NIL, START_OF_TIME, Place
from feedbackloops.models import Delivery, FeedbackLoop, LaneState
from tests.factories import make_verified_loop, owe
from tests.feedbackloops.claiming import THEM, US, claim, done
from tracking.models import Message

# Every statement reads the clock of its transaction, so these tests let them commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


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
