from uuid import uuid4

from feedbackloops.lane import Lane
from feedbackloops.lanes import Claimed, Lease
from feedbackloops.protocol.pacing import Pace


def lane(limit: int) -> Lane:
    return Lane(Lease(1, 1, 0, 0.0), Pace(limit), fresh_until=1e9)


def due(count: int) -> list[Claimed]:
    return [Claimed(uuid4(), uuid4(), 1, 1, 0, 0, "2026-05-17 12:00:00+00", "1") for _ in range(count)]


def test_a_claim_that_found_as_many_as_it_asked_for_is_gone_on_from() -> None:
    busy = lane(limit=2)
    assert len(busy.accept(due(2), 2, now=1.0)) == 2
    assert busy.more


def test_a_claim_that_found_fewer_is_the_last_one() -> None:
    busy = lane(limit=3)
    assert len(busy.accept(due(2), 3, now=1.0)) == 2
    assert not busy.more


def test_what_had_no_free_place_is_claimed_again_though_what_stood_in_the_way_is_gone() -> None:
    busy = lane(limit=10)
    busy.in_the_way = 8
    waiting = due(5)
    taken = busy.accept(waiting, 2, now=1.0)
    assert (taken, busy.more) == (waiting[:2], True)
