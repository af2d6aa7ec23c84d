"""The body that a customer's script receives, against the wire contract and against PHP."""

import json
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol import payload
from tests.feedbackloops.protocol.payloads import AT, EVENT_ID, MESSAGE_ID, SEEN, SNAPSHOT, event

CHANGE = {
    "profile": 12,
    "database": 3,
    "fields": {"City": "Oslo"},
    "interests": [],
    "parameters": {"City": "Oslo"},
    "created": "2026-01-01 00:00:00",
    "modified": "2026-03-29 01:30:05",
}


def change(kind: str, **data: Any) -> payload.EventFacts:
    return payload.EventFacts(EVENT_ID, kind, AT, data)


def test_a_click_carries_every_field_of_the_contract_in_its_order() -> None:
    built = payload.build(event("click", **SEEN, original="https://example.com/", link=4), SNAPSHOT)
    assert list(built.items()) == [
        ("type", "click"),
        ("timestamp", "2026-03-29 01:30:05"),
        ("time", 1774747805),
        ("event", str(EVENT_ID)),
        ("id", str(MESSAGE_ID)),
        ("recipient", "anna@example.com"),
        ("tags", ["spring", "sale"]),
        ("ip", "203.0.113.7"),
        ("useragent", "Mail/1.0"),
        ("referer", "https://mail.example.com/"),
        ("original", "https://example.com/"),
        ("link", 4),
        ("profile", 12),
        ("database", 3),
        ("fields", {"First name": "Anna", "City": ""}),
        ("interests", ["golf"]),
    ]


@pytest.mark.parametrize("kind", ["click", "open"])
def test_who_made_an_open_or_a_click_is_told(kind: str) -> None:
    judged = {"verdict": "human", "reasons": ["browser"], "client": "Safari 18", "os": "iOS 18", "device": "iPhone"}
    built = payload.build(event(kind, **SEEN), SNAPSHOT | judged | {"first": 1})
    told = {name: built[name] for name in built if name in {*judged, "first"}}
    assert list(told.items()) == [("first", 1), *judged.items()]


@pytest.mark.parametrize("kind", ["unsubscribe", "delivery"])
def test_of_other_events_it_is_not(kind: str) -> None:
    built = payload.build(event(kind), SNAPSHOT | {"verdict": "human", "reasons": ["browser"], "first": 1})
    assert not built.keys() & {"verdict", "reasons", "first"}


@pytest.mark.parametrize(
    ("kind", "data", "names"),
    [
        ("open", SEEN | {"code": 1}, ["ip", "useragent", "referer", "profile", "database", "fields", "interests"]),
        ("unsubscribe", SEEN, ["ip", "useragent", "referer", "profile", "database", "fields", "interests"]),
        ("delivery", {"code": 250, "extended": "2.0.0", "description": "ok", "ip": "x"}, [
            "profile", "database", "fields", "interests", "code", "extended", "description"]),
        ("failure", {"code": 550, "action": "failed", "state": "bounce"}, [
            "profile", "database", "fields", "interests", "code", "action", "state"]),
        ("bounce", {"mime": "raw", "envelope": "bounce@example.com"}, [
            "profile", "database", "fields", "interests", "envelope", "mime"]),
        ("abuse", {"mime": "raw", "emailfrom": "abuse@example.com", "envelope": "x"}, [
            "profile", "database", "fields", "interests", "emailfrom", "mime"]),
    ],
)  # fmt: skip
def test_each_type_about_a_message_has_its_own_names_only(kind: str, data: dict[str, Any], names: list[str]) -> None:
    built = payload.build(event(kind, **data), SNAPSHOT)
    assert list(built) == ["type", "timestamp", "time", "event", "id", "recipient", "tags", *names]


@pytest.mark.parametrize("kind", ["create", "update"])
def test_a_changed_profile_is_sent_as_it_stands_after_the_change(kind: str) -> None:
    built = payload.build(change(kind, **CHANGE), None)
    assert list(built)[4:] == ["profile", "database", "fields", "interests", "parameters", "created", "modified"]
    assert built["interests"] == []


def test_what_the_event_recorded_of_a_profile_goes_before_a_later_snapshot() -> None:
    assert payload.build(change("update", **CHANGE), SNAPSHOT)["fields"] == {"City": "Oslo"}


def test_a_deleted_profile_is_sent_without_what_an_action_would_have_set() -> None:
    assert list(payload.build(change("delete", **CHANGE), None))[4:] == ["profile", "database", "fields", "interests"]


def test_a_subprofile_has_a_collection_and_no_interests() -> None:
    built = payload.build(change("update", **CHANGE, subprofile=7, collection=2), None)
    assert list(built)[4:] == [
        "profile", "subprofile", "collection", "database", "fields", "parameters", "created", "modified",
    ]  # fmt: skip


def test_an_event_whose_message_is_gone_is_sent_with_what_is_known() -> None:
    built = payload.build(event("open", ip="203.0.113.7"), None)
    assert list(built)[4:] == ["id", "ip"]
    assert built["id"] == str(MESSAGE_ID)


@pytest.mark.parametrize("unknown", [None, ""])
def test_what_is_unknown_is_left_out_and_never_sent_empty(unknown: str | None) -> None:
    seen = {"ip": "203.0.113.7", "useragent": unknown, "referer": unknown}
    built = payload.build(event("open", **seen), {**SNAPSHOT, "profile": None, "database": None})
    assert list(built)[4:] == ["id", "recipient", "tags", "ip"]


def test_empty_lists_and_maps_of_a_known_profile_are_kept_in_json_and_send_nothing_in_a_form() -> None:
    snapshot = {**SNAPSHOT, "tags": [], "fields": {}, "interests": []}
    built = payload.build(event("open", ip="203.0.113.7"), snapshot)
    assert b'"tags":[],' in payload.json_body(built)
    assert payload.json_body(built).endswith(b'"fields":{},"interests":[]}')
    assert [name for name, _ in parse_qsl(payload.form(built).decode())] == [
        "type", "timestamp", "time", "event", "id", "recipient", "ip", "profile", "database",
    ]  # fmt: skip


@pytest.mark.parametrize("hours", [-11, 0, 2, 14])
def test_the_time_is_sent_in_utc_whatever_the_time_zone_of_the_event(hours: int) -> None:
    built = payload.build(event("open")._replace(occurred_at=AT.astimezone(timezone(timedelta(hours=hours)))), None)
    assert (built["timestamp"], built["time"]) == ("2026-03-29 01:30:05", 1774747805)


def test_a_time_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        payload.build(event("open")._replace(occurred_at=AT.replace(tzinfo=None)), None)


def test_a_type_outside_the_contract_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'reply' is not one of click, open"):
        payload.build(event("reply"), None)


def test_a_form_body_looks_as_a_browser_would_send_it() -> None:
    fields = {"type": "click", "time": -1, "tags": ["a b", "ü"], "fields": {"x[y": "~*", "": "lost", "a]": "lost"}}
    assert payload.form(fields) == b"type=click&time=-1&tags%5B%5D=a+b&tags%5B%5D=%C3%BC&fields%5Bx%5By%5D=~%2A"


def test_forms_of_one_shape_have_their_own_values_and_of_other_shapes_their_own_names() -> None:
    written = [payload.form({"id": id, "tags": tags, "fields": fields}) for id, tags, fields in SHAPES]
    assert written == [
        b"id=1&tags%5B%5D=a&fields%5B100%25%5D=x",
        b"id=%00&tags%5B%5D=b&fields%5B100%25%5D=%25b",
        b"id=2&fields%5B100%25%5D=x",
        b"id=3&tags%5B%5D=a&tags%5B%5D=b",
        b"id=4&fields%5Bb%5D=z",
    ]


def test_long_forms_are_written_and_leave_nothing_in_memory() -> None:
    kept = payload._kept_template.cache_info().currsize
    for number in range(500, 510):
        assert payload.form({"tags": ["a"] * number}) == b"&".join([b"tags%5B%5D=a"] * number)
    assert payload._kept_template.cache_info().currsize == kept


SHAPES: list[tuple[str, list[str], dict[str, str]]] = [
    ("1", ["a"], {"100%": "x"}),
    ("\0", ["b"], {"100%": "%b"}),
    ("2", [], {"100%": "x"}),
    ("3", ["a", "b"], {}),
    ("4", [], {"": "lost", "a]": "lost", "b": "z"}),
]


@given(fields=st.dictionaries(st.text(), st.text()), numbers=st.lists(st.integers()))
def test_json_carries_any_name_and_value_exactly(fields: dict[str, str], numbers: list[int]) -> None:
    sent = {"type": "open", "fields": fields, "tags": numbers}
    assert json.loads(payload.json_body(sent).decode("utf-8")) == sent


def test_json_is_utf8_without_ascii_escapes() -> None:
    assert payload.json_body({"fields": {"naïve": "日本"}}) == '{"fields":{"naïve":"日本"}}'.encode()


@pytest.mark.parametrize("value", [True, None, 1.5, b"x", ["x"], {"a": {"b": "c"}}, [["x"]]])
@pytest.mark.parametrize("encode", [payload.form, payload.json_body])
def test_a_value_that_is_not_text_or_a_whole_number_is_refused_by_name(
    encode: Callable[..., bytes], value: Any
) -> None:
    sent = {"fields": value if isinstance(value, dict) else {"a": value}}
    with pytest.raises(TypeError, match="field 'fields' holds a"):
        encode(sent)


@pytest.mark.parametrize(("encode", "expected"), [
    (payload.form, b"fields%5B%EF%BF%BD%5D=a%EF%BF%BD"),
    (payload.json_body, '{"fields":{"\ufffd":"a\ufffd"}}'.encode()),
])  # fmt: skip
def test_a_lone_surrogate_is_sent_as_the_replacement_character(encode: Callable[..., bytes], expected: bytes) -> None:
    assert encode({"fields": {"\udc80": "a\ud800"}}) == expected


@pytest.mark.parametrize(("text", "limit", "cut"), [
    ("aé", 3, None),
    ("aé", 2, "a"),
    ("aé", 1, "a"),
    ("日本", 5, "日"),
    ("", 0, None),
    ("a" * 2**20, payload.MIME_LIMIT, None),
    ("a" * 2**20 + "b", payload.MIME_LIMIT, "a" * 2**20),
])  # fmt: skip
def test_mime_is_cut_between_two_characters_and_says_so(text: str, limit: int, cut: str | None) -> None:
    expected = {"mime": text} if cut is None else {"mime": cut, "mime_truncated": 1}
    assert payload.cap_mime(text, limit) == expected


def test_a_mime_that_was_cut_is_marked_in_the_payload() -> None:
    built = payload.build(event("bounce", mime="x" * 11), SNAPSHOT, mime_limit=10)
    assert list(built.items())[-2:] == [("mime", "x" * 10), ("mime_truncated", 1)]


def test_a_mail_that_was_cut_when_it_came_in_says_so() -> None:
    built = payload.build(event("bounce", mime="x", mime_truncated=1), SNAPSHOT)
    assert (built["mime"], built["mime_truncated"]) == ("x", 1)
