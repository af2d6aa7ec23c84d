"""What comes in of a person who was forgotten, or while that is under way, leaves nothing behind."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils.timezone import now

from feedbackloops import lanes
from feedbackloops.fanout import fan_out
from feedbackloops.forgetting import work
from feedbackloops.forgetting.people import begin, person_of
from feedbackloops.lanes import Done
from feedbackloops.models import Attempt, Delivery, Forgetting, LaneState, LoopHour
from feedbackloops.models.forgetting import Stage
from tests.feedbackloops.forgetting.person import Known, account_with_loop, forget, know, texts_of_everything
from tracking.hits import Hit
from tracking.ids import derived_id, moment_of, new_id
from tracking.linksseen import Head, note_heads
from tracking.models import Event, LinkSeen, Outbox
from tracking.outside import record_reports
from tracking.reports import Report
from tracking.spool import Spool
from tracking.store import EventRow, store_events
from tracking.storing import store_hits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("spool")]

ANN = "ann.forgotten@example.com"


@pytest.fixture
def ann() -> Known:
    _, database, loop = account_with_loop()
    return know(database, loop, ANN)


def forgotten(ann: Known) -> Forgetting:
    return forget(begin(person_of(ann.profile)))


def is_named(ann: Known) -> list[str]:
    everything = texts_of_everything().lower()
    return [needle for needle in ann.needles if needle in everything]


def ended(delivery: Delivery, state: str) -> Done:
    """A call that said something of the person."""
    return Done(
        id=derived_id(delivery.pk, 2),
        delivery=delivery.pk,
        loop=delivery.loop_id,
        account=delivery.account_id,
        number=2,
        started=now(),
        outcome="accepted" if state == "delivered" else "rejected",
        state=state,
        pause=0.0,
        message=f"It answered: no {ANN}",
        status=200,
        address="192.0.2.1",
        timings=(0.001, 0.002, 0.003, 0.004, 0.01),
        answer=f"no {ANN}".encode(),
    )


def hit_on(known: Known, type: str = "open") -> Hit:
    id = new_id()
    return Hit(id, type, known.profile.account_id, known.messages[0].pk, moment_of(id), {"ip": "192.0.2.1"})


@pytest.mark.parametrize("state", ["delivered", "pending", "given_up"])
def test_an_attempt_that_is_recorded_after_all_waiting_is_not_kept(ann: Known, state: str) -> None:
    deliveries = list(Delivery.objects.filter(event__message__in=ann.messages))
    assert forgotten(ann).left == {}
    hours = list(LoopHour.objects.values())
    lanes.record([ended(delivery, state) for delivery in deliveries])
    assert not Attempt.objects.filter(delivery_id__in=[each.pk for each in deliveries]).exists()
    assert list(LoopHour.objects.values()) == hours
    assert is_named(ann) == []


def test_hits_in_a_spool_that_a_living_process_held_go_as_they_are_replayed(ann: Known, spool: Path) -> None:
    kept = Spool(spool)
    hits = [hit_on(ann), hit_on(ann, "unsubscribe")]
    kept.append_all(hits)
    # It can't be taken from whoever writes it: told of, and dealt with later.
    assert [place.partition("/")[0] for place in forgotten(ann).left] == ["spool"]
    assert kept.replay(store_hits) == 2
    assert Event.objects.count() == 2
    fan_out([hit.id for hit in hits])
    assert not Event.objects.exists()
    assert not Outbox.objects.exists()
    assert not list(spool.iterdir())
    assert is_named(ann) == []


def test_a_link_that_is_asked_for_by_head_is_not_noted(ann: Known) -> None:
    forgotten(ann)
    stranger = new_id()
    note_heads([Head(ann.messages[0].pk, 1, 1, "192.0.2.1"), Head(stranger, 1, 1, "192.0.2.2")])
    assert [seen.message_id for seen in LinkSeen.objects.all()] == [stranger]


def test_a_report_that_was_read_before_the_message_went_is_deleted_by_the_fan_out(ann: Known) -> None:
    account, message = ann.profile.account_id, ann.messages[0].pk
    forgotten(ann)
    moment = datetime.now(UTC)
    bounce = Report("bounce", account, message, moment, "1", {"mime": f"To: <{ANN}>".encode()}, "mail: bounce")
    fan_out(sorted(record_reports([bounce])))
    assert not Event.objects.exists()
    assert is_named(ann) == []


def test_what_came_before_the_search_is_gone_through_once_more(ann: Known) -> None:
    order = begin(person_of(ann.profile))
    while order.stage != Stage.SEARCH:
        work.go_on(order.pk)
        order.refresh_from_db()
    late = EventRow(new_id(), "bounce", order.account_id, ann.messages[1].pk, {"mime": f"To: {ANN}"})
    store_events([late])
    LaneState.objects.update(last_trouble=f"It answered 422: no {ANN}")
    LinkSeen.objects.create(message_id=ann.messages[0].pk, link=2)
    assert work.go_on(order.pk)
    order.refresh_from_db()
    assert order.left.keys() == {
        "tracking_event.message_id",
        "tracking_event.data",
        "tracking_linkseen.message_id",
        "feedbackloops_lanestate.last_trouble",
    }
    assert forget(order).left == {}
    assert is_named(ann) == []
    assert order.removed["messages"] == 2


def test_what_nobody_can_take_away_is_looked_for_twice_and_then_told(ann: Known) -> None:
    order = begin(person_of(ann.profile))
    ann.profile.database.name = f"Friends of {ANN}"
    ann.profile.database.save()
    order = forget(order)
    assert (order.stage, order.left) == (Stage.DONE, {"profiles_database.name": 1})
