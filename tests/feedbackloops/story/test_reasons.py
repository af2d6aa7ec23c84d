"""Why a loop got an event, and why another one did not."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from feedbackloops.models import FeedbackLoop, LaneState
from feedbackloops.story.makers import maker_of
from feedbackloops.story.reasons import About, reasons_for, why_not
from tests.factories import make_database, make_events, make_loop, make_message, make_profile, make_verified_loop
from tracking.models import Event, Message

pytestmark = pytest.mark.django_db

BEFORE, AFTER = now() - timedelta(days=1), now() + timedelta(days=1)


@pytest.fixture
def message() -> Message:
    return make_message(make_profile(firstname="Ann"))


@pytest.fixture
def event(message: Message) -> Event:
    return Event.objects.get(pk=make_events(message)[0])


def loop_of(message: Message, **values: Any) -> FeedbackLoop:
    loop = make_verified_loop(message.account)
    FeedbackLoop.objects.filter(pk=loop.pk).update(
        **{"created": BEFORE, "modified": BEFORE, "verified": BEFORE} | values
    )
    return FeedbackLoop.objects.get(pk=loop.pk)


def database_of(message: Message) -> int:
    assert message.profile
    return message.profile.database_id


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"created": AFTER}, "It was made later, on "),
        ({"event_types": ["click"]}, "It does not ask for events of the type “open”."),
        ({"verified_place": ""}, "It was never verified"),
        ({"verified": AFTER}, "It was verified on "),
        ({"status": "disabled"}, "It is disabled: nothing new is kept for it."),
        ({"modified": AFTER}, "As it is set now, it would get it. It was changed on "),
        ({}, "As it is set now, it would get it: it must have been stopped"),
    ],
)
def test_a_loop_that_missed_an_event_says_why(
    message: Message, event: Event, values: dict[str, Any], words: str
) -> None:
    assert why_not(loop_of(message, **values), event, About(database_of(message))).startswith(words)


def test_a_lane_that_had_stopped_by_itself_missed_it(message: Message, event: Event) -> None:
    loop = loop_of(message)
    LaneState.objects.update_or_create(loop=loop, defaults={"stopped": BEFORE, "stop_reason": "gone"})
    loop = FeedbackLoop.objects.get(pk=loop.pk)
    assert why_not(loop, event, About(None)).startswith("It had stopped by itself on ")


@pytest.mark.parametrize(
    ("about", "words"), [(About(None, is_parked=True), "the event is parked"), (About(None, waits=True), "handed out")]
)
def test_an_event_that_was_not_handed_out_says_so(message: Message, event: Event, about: About, words: str) -> None:
    assert words in why_not(loop_of(message), event, about)


def test_a_loop_of_other_databases_names_them(message: Message, event: Event) -> None:
    loop = loop_of(message)
    loop.databases.add(make_database(message.account, name="Shop"))
    assert "“Shop" in why_not(loop, event, About(database_of(message)))
    assert "about no profile" in why_not(loop, event, About(None))
    loop.databases.add(database_of(message))
    assert "database" not in why_not(loop, event, About(database_of(message)))


def test_a_loop_that_got_it_says_what_held_and_what_no_longer_does(message: Message, event: Event) -> None:
    loop = loop_of(message)
    assert [reason.still for reason in reasons_for(loop, event, database_of(message))] == [True, True, True]
    loop.databases.add(database_of(message))
    assert "to which the profile belongs" in reasons_for(loop, event, database_of(message))[1].words
    changed = loop_of(message, event_types=["click"], verified_place="elsewhere")
    changed.databases.add(make_database(message.account))
    assert [reason.still for reason in reasons_for(changed, event, database_of(message))] == [False, False, False]


def test_an_unverified_loop_missed_it(message: Message, event: Event) -> None:
    loop = make_loop(message.account)
    FeedbackLoop.objects.filter(pk=loop.pk).update(created=BEFORE)
    loop.refresh_from_db()
    assert why_not(loop, event, About(None)).startswith("It was never verified")


MACHINE = maker_of({"verdict": "machine", "reasons": ["burst"]})
PERSON = maker_of({"verdict": "human", "reasons": ["browser"]})


def test_a_loop_for_people_only_says_that_a_machine_made_the_event(message: Message, event: Event) -> None:
    loop = loop_of(message, people_only=True)
    words = "It is for people only, and a machine made this event."
    assert why_not(loop, event, About(database_of(message), maker=MACHINE)) == words
    assert why_not(loop, event, About(database_of(message), maker=PERSON)) != words
    assert why_not(loop_of(message), event, About(database_of(message), maker=MACHINE)) != words


def test_that_it_is_for_people_only_is_a_reason(message: Message, event: Event) -> None:
    loop = loop_of(message, people_only=True)
    by_person = [reason.words for reason in reasons_for(loop, event, None, PERSON)]
    assert "It is for people only, and no machine made this event." in by_person
    (changed,) = [each for each in reasons_for(loop, event, None, MACHINE) if "machines do" in each.words]
    assert changed.still is False
    assert not any("people only" in reason.words for reason in reasons_for(loop_of(message), event, None, PERSON))
