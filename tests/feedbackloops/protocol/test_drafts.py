"""What is typed for a test call: read, shown in either way, and checked by the field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol.catalogue import sample_of
from feedbackloops.protocol.drafts import (
    LARGEST,
    Fault,
    Problem,
    Unreadable,
    form_can_show,
    problems,
    read_form,
    read_json,
    write_form,
    write_json,
)
from feedbackloops.protocol.payload import EVENT_TYPES, FORM_TYPE, EventFacts, build, form
from tracking.ids import moment_of, new_id

CLICK = sample_of("click")
UPDATE = sample_of("update")


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_a_sample_is_sound_and_comes_back_from_the_form_and_from_json_as_it_was(type: str) -> None:
    sample = sample_of(type)
    assert problems(type, sample, is_form=True) == []
    assert read_form(type, write_form(type, sample)) == sample
    assert read_json(write_json(sample), type) == (sample, [])


def test_what_each_event_has_may_stand_in_the_json_and_is_left_out() -> None:
    text = '{"type": "click", "time": 1, "event": "x", "timestamp": "", "original": "https://example.com/"}'
    assert read_json(text, "click") == ({"original": "https://example.com/"}, [])
    assert read_json('{"type": "open"}', "click")[1] == [Problem("type", Fault.OTHER_TYPE, "open")]


@pytest.mark.parametrize(
    ("text", "fault", "detail"),
    [
        ("", Fault.NO_JSON, "1:1"),
        ('{"ip": "a",\n}', Fault.NO_JSON, "2:1"),
        ("[" * 100_000, Fault.NO_JSON, ""),
        ('{"a": 1' + "0" * 5000 + "}", Fault.NO_JSON, ""),
        ('{"tags": ' + "[" * 500 + "]" * 500 + "}", Fault.NO_JSON, ""),
        ("[1]", Fault.NO_OBJECT, ""),
        ("null", Fault.NO_OBJECT, ""),
        ('{"ip": "a", "ip": "b"}', Fault.TWICE, "ip"),
        ('{"fields": {"x": "a", "x": "b"}}', Fault.TWICE, "x"),
        ("x" * (LARGEST + 1), Fault.TOO_LARGE, ""),
    ],
)
def test_what_is_no_json_object_says_why(text: str, fault: Fault, detail: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_json(text, "click")
    assert refused.value.problem == Problem("", fault, detail)


@pytest.mark.parametrize(
    ("type", "changed", "expected"),
    [
        ("click", {"colour": "red"}, Problem("colour", Fault.UNKNOWN)),
        ("open", {"original": "x"}, Problem("original", Fault.UNKNOWN)),
        ("click", {"original": 5}, Problem("original", Fault.NOT_TEXT)),
        ("click", {"original": None}, Problem("original", Fault.NOT_TEXT)),
        ("click", {"profile": "5"}, Problem("profile", Fault.NOT_NUMBER)),
        ("click", {"profile": True}, Problem("profile", Fault.NOT_NUMBER)),
        ("click", {"profile": 1.5}, Problem("profile", Fault.NOT_NUMBER)),
        ("click", {"profile": -1}, Problem("profile", Fault.RANGE, "0–9223372036854775807")),
        ("click", {"profile": 2**63}, Problem("profile", Fault.RANGE, "0–9223372036854775807")),
        ("failure", {"code": 99}, Problem("code", Fault.RANGE, "200–599")),
        ("click", {"tags": "sale"}, Problem("tags", Fault.NOT_LIST)),
        ("click", {"tags": [1]}, Problem("tags", Fault.NOT_LIST)),
        ("click", {"fields": ["a"]}, Problem("fields", Fault.NOT_MAP)),
        ("click", {"fields": {"a": {}}}, Problem("fields", Fault.NOT_MAP)),
        ("click", {"fields": {"a]b": "x"}}, Problem("fields", Fault.UNHOLDABLE, "a]b")),
        ("click", {"fields": {"": "x"}}, Problem("fields", Fault.UNHOLDABLE, "")),
        ("click", {"useragent": "a\0b"}, Problem("useragent", Fault.UNSTORABLE)),
        ("click", {"fields": {"\ud800": "x"}}, Problem("fields", Fault.UNSTORABLE)),
        ("click", {"tags": ["\udfff"]}, Problem("tags", Fault.UNSTORABLE)),
        ("click", {"ip": "300.1.1.1"}, Problem("ip", Fault.NOT_ADDRESS)),
        ("click", {"id": "17"}, Problem("id", Fault.NOT_ID)),
        ("click", {"original": ""}, Problem("original", Fault.MISSING)),
        ("update", {"created": "yesterday"}, Problem("created", Fault.NOT_TIME)),
        ("update", {"created": "2026-02-30 00:00:00"}, Problem("created", Fault.NOT_TIME)),
        ("update", {"created": "2026-2-3 00:00:00"}, Problem("created", Fault.NOT_TIME)),
        ("update", {"subprofile": 4}, Problem("interests", Fault.WITH_SUBPROFILE)),
        ("click", {"useragent": "x" * LARGEST}, Problem("useragent", Fault.TOO_LARGE, "131600")),
    ],
)
def test_what_can_not_be_sent_is_told_by_the_field(type: str, changed: dict[str, Any], expected: Problem) -> None:
    found = problems(type, sample_of(type) | changed, is_form=True)
    assert [problem._replace(detail="") for problem in found] == [expected._replace(detail="")]
    if expected.fault is not Fault.TOO_LARGE:
        assert found == [expected]


def test_a_json_body_takes_names_that_php_can_not_hold() -> None:
    assert problems("click", CLICK | {"fields": {"a]b": "x"}}, is_form=False) == []


def test_what_belongs_to_a_profile_is_not_sent_without_one() -> None:
    lonely = {name: value for name, value in CLICK.items() if name != "profile"}
    found = problems("click", lonely, is_form=True)
    assert found == [Problem("fields", Fault.WITHOUT_PROFILE), Problem("interests", Fault.WITHOUT_PROFILE)]


@pytest.mark.parametrize(
    "changed",
    [
        {"colour": "red"},
        {"tags": "sale"},
        {"tags": ["one\ntwo"]},
        {"tags": ["one", ""]},
        {"description": "two\nlines"},
        {"original": "two\nlines"},
        {"fields": {"two\nlines": "x"}},
        {"fields": {"": ""}},
        {"fields": {"x": "\ud800"}},
    ],
)
def test_the_form_shows_nothing_that_it_would_not_bring_back(changed: dict[str, Any]) -> None:
    assert not form_can_show("click", CLICK | changed)


def test_lines_within_a_value_of_a_map_and_in_a_mail_come_back() -> None:
    assert form_can_show("click", CLICK | {"fields": {"address": "one\ntwo"}})
    bounce = sample_of("bounce")
    assert form_can_show("bounce", bounce)
    assert not form_can_show("bounce", bounce | {"mime": "From: a\n\nb"})


texts = st.text(max_size=12)
values = texts | st.integers() | st.lists(texts, max_size=3) | st.dictionaries(texts, texts, max_size=3) | st.none()


@given(st.sampled_from(EVENT_TYPES), st.dictionaries(st.sampled_from([*CLICK, *UPDATE, "mime", "other"]), values))
def test_whatever_is_sound_can_be_sent_and_whatever_the_form_shows_comes_back(type: str, typed: dict[str, Any]) -> None:
    fields = sample_of(type) | typed
    if form_can_show(type, fields):
        back = read_form(type, write_form(type, fields))
        empty: tuple[Any, ...] = ("", [], {})
        assert {n: v for n, v in back.items() if v not in empty} == {n: v for n, v in fields.items() if v not in empty}
    if not problems(type, fields, is_form=True):
        id = new_id()
        sent = build(EventFacts(id, type, moment_of(id), fields), {})
        assert form(sent), FORM_TYPE
        assert all(sent[name] == value for name, value in fields.items() if value != "" and name != "mime")
