"""Who reads on from a place in the order of recording misses no event, in whatever order transactions commit."""

from collections.abc import Iterator

import pytest
from django.db import connection

from profiles.positions import NUMBER
from tests.factories import make_events, make_message, make_profile
from tests.uncommitted import uncommitted
from tracking import positions
from tracking.models import Event, Message, RecordingEra
from tracking.positions import begin_era_if_needed, horizon, sight

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def era() -> Iterator[None]:
    """The era of this server is what it was before, afterwards."""
    yield
    RecordingEra.objects.filter(number__gt=0).delete()
    RecordingEra.objects.all().delete()
    assert begin_era_if_needed()


def test_a_position_follows_those_before(message: Message) -> None:
    first, second = (make_events(message)[0] for _ in range(2))
    placed = dict(Event.objects.values_list("pk", "position"))
    assert 0 < placed[first] < placed[second] < horizon()


def test_what_is_stored_late_is_placed_behind_what_is_there(message: Message) -> None:
    (late,) = make_events(message)
    id = Event.objects.get(pk=late).pk
    Event.objects.all().delete()
    make_events(message)
    Event.objects.create(id=id, type="open", account=message.account, message=message)
    assert list(Event.objects.order_by("position").values_list("pk", flat=True))[-1] == id


def test_the_horizon_does_not_pass_a_transaction_that_is_under_way(message: Message) -> None:
    with uncommitted(lambda: make_events(message, type="click")):
        make_events(message)
        (visible,) = Event.objects.all()
        assert visible.position >= horizon()
    clicked = Event.objects.get(type="click")
    assert clicked.position < visible.position < horizon()


def test_on_another_server_positions_go_on_above_all_that_were(message: Message, era: None) -> None:
    make_events(message)
    before = Event.objects.get()
    RecordingEra.objects.update(server="another")
    assert begin_era_if_needed()
    make_events(message, type="click")
    after = Event.objects.get(type="click")
    assert before.position < 1 << positions.ERA_BITS <= after.position < horizon()
    later = make_message()
    assert message.position < 1 << positions.ERA_BITS <= later.position < horizon()
    assert 1 << positions.ERA_BITS <= make_profile().position < horizon()
    assert not begin_era_if_needed()
    RecordingEra.objects.filter(number=1).update(timeline=0)
    assert begin_era_if_needed()
    assert RecordingEra.objects.count() == 3


def test_a_table_that_is_new_in_a_later_era_numbers_in_it(message: Message, era: None) -> None:
    RecordingEra.objects.update(server="another")
    assert begin_era_if_needed()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE tracking_message ALTER COLUMN position SET DEFAULT ({NUMBER})")
    assert make_message().position < 1 << positions.ERA_BITS
    assert not begin_era_if_needed()
    assert make_message().position >= 1 << positions.ERA_BITS


def test_what_a_moment_saw_and_what_it_did_not_is_all_that_there_is(message: Message) -> None:
    with uncommitted(lambda: make_events(message, type="click")):
        make_events(message, type="open")
        moment = sight()
        make_events(message, type="bounce")
    seen, unseen = (
        set(Event.objects.filter(part).values_list("type", flat=True)) for part in (moment.seen, moment.unseen)
    )
    assert (seen, unseen) == ({"open"}, {"click", "bounce"})


def test_rows_that_are_being_stored_are_not_made_to_wait(message: Message, era: None) -> None:
    with uncommitted(lambda: make_events(message)):
        RecordingEra.objects.update(server="another")
        assert not begin_era_if_needed()
        assert RecordingEra.objects.count() == 1
    assert begin_era_if_needed()
