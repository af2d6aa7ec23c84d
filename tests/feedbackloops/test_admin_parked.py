import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from feedbackloops.models import ParkedEvent
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_events
from tracking.models import Message, Outbox

pytestmark = pytest.mark.django_db

PARKED = "feedbackloops_parkedevent"


def test_a_parked_event_is_tried_again(
    message: Message, rings: Rings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    sender = staff("feedbackloops.change_parkedevent")
    event = make_events(message)[0]
    Outbox.objects.all().delete()
    ParkedEvent.objects.create(event_id=event, error="DataError: <b>")
    assert "DataError: &lt;b&gt;" in text(sender.get(url(PARKED, "changelist")))
    with django_capture_on_commit_callbacks(execute=True):
        sender.post(url(PARKED, "changelist"), {"action": "try_again", "_selected_action": event})
    assert not ParkedEvent.objects.exists()
    assert Outbox.objects.get().event_id == event
    assert rings == [("fan_out", str(event))]


def test_who_may_only_look_tries_nothing_again(message: Message) -> None:
    ParkedEvent.objects.create(event_id=make_events(message)[0], error="No.")
    id = ParkedEvent.objects.get().pk
    staff("feedbackloops.view_parkedevent").post(
        url(PARKED, "changelist"), {"action": "try_again", "_selected_action": id}
    )
    assert ParkedEvent.objects.exists()


def test_an_events_page_says_that_it_is_parked_and_why(message: Message) -> None:
    event = make_events(message)[0]
    ParkedEvent.objects.create(event_id=event, error="DataError: no such number")
    client = staff("tracking.view_event", "feedbackloops.view_parkedevent", "feedbackloops.view_delivery")
    page = text(client.get(url("tracking_event", "change", event)))
    assert "DataError: no such number" in page
    assert "None yet: the event waits to be handed out" in page
