"""What fan-out does to the profiles of recipients who unsubscribe."""

from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import OperationalError

from feedbackloops.fanout import fan_out
from feedbackloops.models import Delivery, ParkedEvent, Snapshot
from profiles.models import Database, Profile
from tests.factories import make_events, make_message, make_profile, make_verified_loop
from tracking.models import Event, Message, Outbox

pytestmark = pytest.mark.django_db(transaction=True)


def message_to(on_unsubscribe: str, **fields: str) -> Message:
    message = make_message(make_profile(newsletter="yes"))
    Database.objects.update(on_unsubscribe=on_unsubscribe, unsubscribe_fields=fields)
    Outbox.objects.all().delete()
    return message


def changes() -> list[Event]:
    return list(Event.objects.filter(type__in=["update", "delete"]))


def test_the_unsubscribe_tells_of_the_profile_before_and_the_update_after_it() -> None:
    message = message_to("set", newsletter="no")
    make_verified_loop(message.account, event_types=["unsubscribe", "update"])
    (unsubscribe,) = make_events(message, type="unsubscribe")
    fan_out([unsubscribe])
    (update,) = changes()
    assert [waiting.event_id for waiting in Outbox.objects.all()] == [update.pk]
    fan_out([update.pk])
    assert Snapshot.objects.get(pk=unsubscribe).data["fields"] == {"newsletter": "yes"}
    assert (update.data["fields"], update.data["parameters"]) == ({"newsletter": "no"}, {"newsletter": "no"})
    assert Delivery.objects.count() == 2


def test_a_profile_is_removed_though_no_loop_wants_to_know() -> None:
    message = message_to("remove")
    fan_out(make_events(message, type="unsubscribe"))
    assert not Profile.objects.exists()
    assert [event.type for event in changes()] == ["delete"]
    message.refresh_from_db()
    assert message.profile_id is None


def test_several_presses_change_the_profile_once() -> None:
    message = message_to("set", newsletter="no")
    fan_out(make_events(message, 3, type="unsubscribe"))
    fan_out(make_events(message, type="unsubscribe"))
    assert len(changes()) == 1


def test_other_events_change_nothing() -> None:
    message = message_to("remove")
    fan_out(make_events(message, type="open") + make_events(message, type="abuse"))
    assert changes() == []


def test_who_has_no_profile_is_no_trouble() -> None:
    message = make_message()
    fan_out(make_events(message, type="unsubscribe"))
    assert not Outbox.objects.exists()
    assert not ParkedEvent.objects.exists()


def test_a_change_that_fails_is_done_again_with_the_fan_out() -> None:
    message = message_to("set", newsletter="no")
    events = make_events(message, type="unsubscribe")
    with patch("feedbackloops.fanout.unsubscribe", side_effect=OperationalError), pytest.raises(OperationalError):
        fan_out(events)
    assert waiting() == events
    fan_out(events)
    assert Profile.objects.get().fields == {"newsletter": "no"}


def test_a_change_that_can_not_be_is_parked_with_its_event_alone() -> None:
    bad, good = message_to("set", newsletter="no"), make_message(make_profile())
    Outbox.objects.all().delete()
    Database.objects.filter(profiles=bad.profile).update(unsubscribe_fields={"newsletter": 1})
    (poison,), others = make_events(bad, type="unsubscribe"), make_events(good, 3, type="unsubscribe")
    fan_out([poison, *others])
    assert [parked.event_id for parked in ParkedEvent.objects.all()] == [poison]
    assert "The field 'newsletter' holds 1" in ParkedEvent.objects.get().error
    assert waiting() == []


def waiting() -> list[UUID]:
    return list(Outbox.objects.values_list("event_id", flat=True))
