import pytest

from feedbackloops.models.loops import Part
from feedbackloops.protocol.narrowing import PARTS, Narrowing
from feedbackloops.protocol.payload import NAMES

PAYLOAD = {
    "type": "open",
    "event": "1",
    "recipient": "ann@example.com",
    "useragent": "Mozilla/5.0",
    "client": "Firefox 140",
    "verdict": "human",
    "fields": {"city": "Oss", "email": "ann@example.com"},
    "parameters": {"email": "ann@example.com"},
    "interests": ["shoes"],
}


def test_a_loop_that_leaves_nothing_out_has_no_narrowing() -> None:
    assert Narrowing.of([], []) is None
    assert Narrowing.from_json({}) is None


def test_only_the_fields_that_are_named_stay() -> None:
    narrowed = Narrowing.of(["city", "other"], [])
    assert narrowed
    assert narrowed.narrowed(PAYLOAD) == PAYLOAD | {"fields": {"city": "Oss"}, "parameters": {}}


def test_what_is_taken_away_is_named() -> None:
    narrowing = Narrowing.of(["city"], ["recipient", "mime"])
    assert narrowing
    assert narrowing.removed(PAYLOAD) == ["recipient", "fields[email]", "parameters[email]"]


def test_fields_that_are_taken_away_are_named_in_their_own_order() -> None:
    narrowing = Narrowing.of(["none"], [])
    assert narrowing
    names = [f"field{number}" for number in range(9)]
    assert narrowing.removed({"fields": dict.fromkeys(names, "")}) == [f"fields[{name}]" for name in names]


@pytest.mark.parametrize("part", PARTS)
def test_what_is_left_out_goes_with_all_that_says_the_same(part: str) -> None:
    narrowing = Narrowing.of([], [part])
    assert narrowing
    payload = PAYLOAD | dict.fromkeys(PARTS[part], "x")
    assert narrowing.narrowed(payload) == {name: value for name, value in payload.items() if name not in PARTS[part]}


def test_without_the_recipient_nothing_says_whom_a_mail_server_refused() -> None:
    refused = {"type": "failure", "recipient": "ann@example.com", "code": "550", "extended": "5.1.1"}
    words = {"description": "<ann@example.com>: Recipient address rejected: User unknown"}
    narrowing = Narrowing.of([], ["recipient"])
    assert narrowing
    assert narrowing.narrowed(refused | words) == {"type": "failure", "code": "550", "extended": "5.1.1"}


def test_what_tells_events_apart_can_never_be_left_out() -> None:
    everything = Narrowing.of(["none"], PARTS)
    assert everything
    names = {name for each in NAMES.values() for name in each} | {"type", "timestamp", "time", "event"}
    kept = everything.narrowed(dict.fromkeys(names, "x")).keys()
    assert {"type", "timestamp", "time", "event", "id", "verdict", "original", "code", "profile"} <= kept


def test_staff_can_choose_every_part_and_each_is_of_the_contract() -> None:
    assert list(PARTS) == list(Part.values)
    contract = {name for each in NAMES.values() for name in each} | {"mime_truncated"}
    assert {name for names in PARTS.values() for name in names} <= contract


def test_it_comes_back_from_how_it_is_kept() -> None:
    narrowing = Narrowing.of(["b", "a"], ["tags"])
    assert narrowing
    assert narrowing.to_json() == {"fields": ["a", "b"], "parts": ["tags"]}
    assert Narrowing.from_json(narrowing.to_json()) == narrowing
