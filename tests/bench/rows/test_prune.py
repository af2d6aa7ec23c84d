from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils.timezone import now

from bench.rows import prune
from feedbackloops.history import TABLES
from feedbackloops.models import Delivery
from tests.factories import make_account, make_events, make_message, make_verified_loop
from tracking import partitions
from tracking.ids import first_id_at
from tracking.models import Event

pytestmark = pytest.mark.django_db

# Beyond what any test makes partitions for, and not so far that it counts as very old.
OLDEST = now().date() - timedelta(days=70)
DAYS = [OLDEST + timedelta(days=number) for number in range(2)]


@pytest.fixture(autouse=True)
def _two_days() -> None:
    for table in TABLES:
        partitions.make(table, DAYS)


def deliver(day: date, state: str = "delivered") -> None:
    loop = make_verified_loop(make_account())
    id = first_id_at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    Delivery.objects.create(id=id, event_id=id, loop=loop, account=loop.account, state=state, next_attempt=now())


def test_one_day_is_pruned_and_the_next_one_stays() -> None:
    for day in DAYS:
        deliver(day)

    prune._prune(DAYS[0])

    assert all(DAYS[0] not in partitions.existing(table) for table in TABLES)
    assert all(DAYS[1] in partitions.existing(table) for table in TABLES)
    assert Delivery.objects.count() == 1


def test_a_day_that_could_not_be_pruned_is_no_figure() -> None:
    deliver(DAYS[0], "pending")

    with pytest.raises(RuntimeError, match=str(DAYS[0])):
        prune._prune(DAYS[0])


def test_hits_a_second_are_those_within_the_spans() -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    [first, second, third] = make_events(make_message(), 3)
    for id, seconds in ((first, 0.0), (second, 1.5), (third, 2.5)):
        Event.objects.filter(pk=id).update(id=first_id_at(start + timedelta(seconds=seconds)))
    moments = [start + timedelta(seconds=seconds) for seconds in range(4)]

    assert prune._per_second([(moments[0], moments[1]), (moments[2], moments[3])]) == 1.0
    assert prune._per_second([(moments[0], moments[2])]) == 1.0
    assert prune._per_second([(moments[1], moments[3])]) == 1.0
    assert prune._per_second([(moments[3], moments[3] + timedelta(seconds=1))]) == 0.0


def test_pauses_and_prunings_take_turns() -> None:
    moments = list(prune._moments(2, 0.05))

    assert len(moments) == 5
    assert moments[1] - moments[0] >= timedelta(seconds=0.05)
    assert not partitions.existing(Delivery._meta.db_table).keys() & set(DAYS)
