from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils.timezone import now

from chaos import database
from chaos.ledgers import Database
from feedbackloops.models import Delivery, FeedbackLoop, OwedCount, ParkedEvent
from tests.factories import make_events, make_message, make_verified_loop, owe
from tracking.ids import new_id
from tracking.models import Message, Outbox

# It looks over connections of its own.
pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def url() -> str:
    known = connection.settings_dict
    user = f"{quote(known['USER'])}:{quote(known['PASSWORD'])}"
    return f"postgresql://{user}@{known['HOST']}:{known['PORT']}/{known['NAME']}"


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def test_events_are_told_by_the_mark_of_their_hit(url: str, message: Message, loop: FeedbackLoop) -> None:
    (marked,) = owe(message, useragent="chaos/000000042 Mozilla/5.0")
    owe(message, useragent="Mozilla/5.0 chaos/000000043 ")
    Delivery.objects.filter(event_id=marked).update(state="delivered")

    held = database.read(url)

    assert isinstance(held, Database)
    assert held.events == {str(marked): 42}
    assert held.deliveries[str(marked), loop.pk] == "delivered"
    assert sorted(held.deliveries.values()) == ["delivered", "pending"]


def test_a_loop_whose_counts_differ_from_its_deliveries_is_named(
    url: str, message: Message, loop: FeedbackLoop
) -> None:
    owe(message, 2)
    assert database.imbalances(url) == []

    OwedCount.objects.create(loop_id=loop.pk, hour=now(), count=1)
    Delivery.objects.all()[:1].get().delete()

    assert database.imbalances(url) == [f"Loop {loop.pk} was owed 3 deliveries as fan-out counted them, and has 1."]


def test_what_waits_is_counted_whichever_way_the_clock_has_jumped(
    url: str, message: Message, loop: FeedbackLoop
) -> None:
    owe(message, 2)
    make_events(message, 2)
    assert database.waiting(url, 60.0) == 0
    assert database.waiting(url, 0.0) == 4

    for away in (-HOUR, HOUR):
        Delivery.objects.update(owed=now() + away)
        Outbox.objects.update(created=now() + away)
        assert database.waiting(url, 60.0) == 4

    Delivery.objects.update(state="delivered")
    assert database.waiting(url, 60.0) == 2


def test_parked_events_are_counted(url: str) -> None:
    assert database.parked(url) == 0
    ParkedEvent.objects.create(event_id=new_id(), error="ValueError")
    assert database.parked(url) == 1
