from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.snapshots import difference, enrichment, fields_problem, interests_problem, text_problem, wire_time

fields = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=5)


@given(fields, fields)
def test_what_an_action_set_leads_from_one_state_to_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    parameters = difference(before, after)
    assert {name: value for name, value in (before | parameters).items() if name in after} == after
    assert parameters.keys() >= before.keys() - after.keys()


@given(fields)
def test_what_stays_as_it_is_was_not_set(same: dict[str, str]) -> None:
    assert difference(same, dict(same)) == {}


@pytest.mark.parametrize(
    ("before", "after", "parameters"),
    [
        ({}, {"city": ""}, {"city": ""}),
        ({"city": "Ghent"}, {}, {"city": ""}),
        ({"city": ""}, {}, {"city": ""}),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, {"b": "3"}),
    ],
)
def test_a_field_that_is_new_or_gone_counts_as_set(
    before: dict[str, str], after: dict[str, str], parameters: dict[str, str]
) -> None:
    assert difference(before, after) == parameters


def test_an_enrichment_is_a_copy() -> None:
    fields, interests = {"city": "Ghent"}, ["shoes"]
    facts = enrichment(3, 2, fields, interests)
    fields["city"], interests[0] = "Bruges", "music"
    assert facts == {"profile": 3, "database": 2, "fields": {"city": "Ghent"}, "interests": ["shoes"]}


def test_a_time_on_the_wire_has_seconds_and_no_zone() -> None:
    assert wire_time(datetime(2026, 3, 1, 4, 5, 6, 999_999, tzinfo=UTC)) == "2026-03-01 04:05:06"


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")))
def test_any_other_text_can_be_kept(text: str) -> None:
    assert text_problem(text, "This") is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (None, "map from a name to a text"),
        ([], "map from a name to a text"),
        ("city=Ghent", "map from a name to a text"),
        ({"age": 42}, "'age' holds 42. Names and values are texts"),
        ({"age": None}, "'age' holds None"),
        ({"sizes": ["S", "M"]}, "'sizes' holds"),
        ({7: "seven"}, "7 holds 'seven'"),
        ({"a\0b": ""}, r"'a\x00b' holds a NUL character"),
        ({"city": "Gh\0ent"}, "'city' holds a NUL character"),
        ({"city": "\ud83d"}, "'city' holds half of a surrogate pair"),
        ({"\udc00": "x"}, "half of a surrogate pair"),
    ],
)
def test_fields_that_can_not_be_kept_are_named(fields: object, problem: str) -> None:
    assert problem in (fields_problem(fields) or "")


def test_a_problem_shows_only_the_beginning_of_a_long_value() -> None:
    assert len(fields_problem({"n" * 10_000: ["v" * 10_000]}) or "") < 200


@pytest.mark.parametrize(
    ("interests", "problem"),
    [
        (None, "list of texts"),
        ("shoes", "list of texts"),
        ({"shoes": "yes"}, "list of texts"),
        (["shoes", 7], "list of texts"),
        (["sho\0es"], "An interest holds a NUL character"),
        (["shoes", "\ud83d"], "An interest holds half of a surrogate pair"),
    ],
)
def test_interests_that_can_not_be_kept_are_named(interests: object, problem: str) -> None:
    assert problem in (interests_problem(interests) or "")


def test_good_fields_and_interests_have_no_problem() -> None:
    assert fields_problem({"": "", "a[b].c d": "é\n📬", "long": "x" * 10_000}) is None
    assert interests_problem(["", "shoes"]) is None
    assert interests_problem(()) is None
