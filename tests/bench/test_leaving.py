from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from bench import leaving
from feedbackloops.models import FeedbackLoop, LaneState, LoopStatus
from rig.customers import Customer, customers
from tests.factories import make_account, make_events, make_message, make_verified_loop

pytestmark = pytest.mark.django_db


@pytest.fixture
def others() -> list[Customer]:
    return customers("Neighbour", ["http://127.0.0.1:9/ok/a", "http://127.0.0.1:9/ok/b"])


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "SECONDS", 0.1)


def hold(others: list[Customer], seconds: float) -> None:
    """Have an engine hold the lane of the second one for so long."""
    held = {"engine": uuid4(), "leased_until": now() + timedelta(seconds=seconds)}
    LaneState.objects.update_or_create(loop=others[1].loop, defaults=held)


def test_who_leaves_gets_nothing_more_and_nobody_else_is_disabled(others: list[Customer]) -> None:
    staying = make_verified_loop(make_account())

    leaving.leave(others)

    loops = FeedbackLoop.objects.filter(pk__in=[each.loop.pk for each in others])
    assert {loop.status for loop in loops} == {LoopStatus.DISABLED}
    staying.refresh_from_db()
    assert staying.status == LoopStatus.ACTIVE


def test_leaving_waits_for_the_engine_to_let_go(others: list[Customer]) -> None:
    hold(others, 60)

    with pytest.raises(TimeoutError, match="the lanes given back"):
        leaving.leave(others)


def test_a_lease_that_lapsed_holds_nobody_up(others: list[Customer]) -> None:
    hold(others, -1)

    leaving.leave(others)


def test_leaving_waits_for_events_to_be_fanned_out(others: list[Customer]) -> None:
    make_events(make_message())

    with pytest.raises(TimeoutError, match="every event fanned out"):
        leaving.leave(others)
