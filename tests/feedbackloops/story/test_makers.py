"""Who made an event, in words."""

import re
from typing import Any

import pytest
from django.test import Client

from feedbackloops.fanout import fan_out
from feedbackloops.models import Delivery
from feedbackloops.story.makers import maker_of, verdicts_of
from tests.dashboard import staff, text, url
from tests.factories import make_events, make_message, make_verified_loop, owe
from tracking.models import Message
from tracking.verdicts import judge
from tracking.verdicts.rules import built_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff("tracking.view_event", "feedbackloops.view_delivery", "feedbackloops.view_feedbackloop")


@pytest.mark.parametrize("snapshot", [None, {}, {"verdict": "nonsense"}, {"recipient": "ann@example.com"}])
def test_where_there_is_no_verdict_nothing_is_said(snapshot: dict[str, Any] | None) -> None:
    assert maker_of(snapshot) is None


def test_a_maker_is_told_with_reasons_and_what_is_known() -> None:
    known = {"verdict": "human", "reasons": ["browser"], "client": "Firefox 140", "os": "Linux", "first": 1}
    maker = maker_of(known)
    assert maker
    assert (maker.label, maker.words) == ("Person", "A person, as far as can be told.")
    assert maker.reasons == ["It names itself as a browser does."]
    assert maker.facts == [("Program", "Firefox 140"), ("System", "Linux"), ("First of this link", "yes")]


def test_every_reason_of_ours_has_words_and_an_operators_own_is_named() -> None:
    ours = {rule.reason for rule in built_in().rules} | {
        value for name, value in vars(judge).items() if name.isupper() and isinstance(value, str) and name != "CLICK"
    }
    maker = maker_of({"verdict": "machine", "reasons": sorted(ours)})
    assert maker
    assert not [words for words in maker.reasons if words.startswith("By a rule")]
    other = maker_of({"verdict": "machine", "reasons": ["own-<b>scanner"]})
    assert other
    assert other.reasons == ["By a rule: own-<b>scanner."]


def test_the_pages_of_an_event_and_of_its_delivery_say_who_made_it(client: Client) -> None:
    message = make_message()
    make_verified_loop(message.account)
    [event] = owe(message, useragent="curl/8.5.0")

    pages = [
        text(client.get(url("tracking_event", "change", event))),
        text(client.get(url("feedbackloops_delivery", "change", Delivery.objects.get().pk))),
    ]

    for page in pages:
        assert re.search(r"Who made it.*Machine.*A machine. Loops for people only.*known robot.*curl 8", page, re.S)


def test_a_loop_for_people_only_says_on_the_events_page_why_it_did_not_get_it(client: Client) -> None:
    message = make_message()
    make_verified_loop(message.account, people_only=True)
    [event] = owe(message, useragent="curl/8.5.0")

    assert not Delivery.objects.exists()
    page = text(client.get(url("tracking_event", "change", event)))
    assert "It is for people only, and a machine made this event." in page


def test_verdicts_of_a_list_are_asked_for_once(django_assert_num_queries: Any) -> None:
    message: Message = make_message()
    events = [*make_events(message, 2, useragent="curl/8.5.0"), *make_events(message, type="unsubscribe")]
    fan_out(events)
    with django_assert_num_queries(1):
        assert verdicts_of(events) == {events[0]: "machine", events[1]: "machine"}
