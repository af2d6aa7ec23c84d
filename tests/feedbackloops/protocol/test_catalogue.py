"""docs/events.md, held against what the code sends."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from feedbackloops.protocol.catalogue import MEANINGS, SOURCES, catalogue, example_of, plain, subprofile_example
from feedbackloops.protocol.payload import EVENT_TYPES, NAMES, form, json_body
from feedbackloops.protocol.samples import ABOUT_PROFILES, FACTS
from tracking.ids import moment_of
from tracking.models import EventType
from tracking.reports import FIELDS, checked

PAGE = Path(__file__).resolve().parents[3] / "docs" / "events.md"


def test_the_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue(), "write it anew: manage.py event_catalogue"


def test_every_type_has_a_source_and_every_field_a_meaning() -> None:
    assert SOURCES.keys() == set(EVENT_TYPES) == set(EventType.values)
    assert {name for names in NAMES.values() for name in names} <= MEANINGS.keys()


def test_on_pages_sources_and_meanings_have_no_markdown() -> None:
    texts = [plain(text) for text in (*SOURCES.values(), *MEANINGS.values())]
    assert not [text for text in texts if set(text) & set("`[]") or ".md" in text or text.endswith((" ", ";"))]


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_the_examples_are_bodies_of_calls(type: str) -> None:
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {type}\n")[1].split("\n## ")[0]
    (as_form,) = re.findall(r"```text\n(.*?)\n```", section, re.DOTALL)
    as_json, *of_subprofile = re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)
    assert as_form.replace("&\n", "&").encode() == form(example_of(type))
    assert json.loads(as_json) == json.loads(json_body(example_of(type)))
    assert json.loads(as_json)["type"] == type
    assert [json.loads(each) for each in of_subprofile] == (
        [subprofile_example(type)] if type in ABOUT_PROFILES else []
    )


@pytest.mark.parametrize("type", sorted(ABOUT_PROFILES))
def test_an_example_of_a_subprofile_has_the_fields_that_one_is_told_with(type: str) -> None:
    change = {"parameters", "created", "modified"} if type != "delete" else set()
    told = {"profile", "subprofile", "collection", "database", "fields"} | change
    assert subprofile_example(type).keys() == {"type", "timestamp", "time", "event"} | told


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_an_example_has_the_time_that_its_id_has(type: str) -> None:
    example: dict[str, Any] = example_of(type)
    assert example["time"] == int(moment_of(UUID(example["event"])).timestamp())


@pytest.mark.parametrize("type", sorted(set(EVENT_TYPES) - ABOUT_PROFILES))
def test_a_sample_is_what_could_come_in_from_outside(type: str) -> None:
    assert checked(type, FACTS[type]) == FACTS[type]


def test_what_may_come_in_is_what_is_sent() -> None:
    for type, fields in FIELDS.items():
        assert set(fields) - {"link"} <= set(NAMES[type])


def test_the_command_writes_to_where_it_is_told(tmp_path: Path) -> None:
    call_command("event_catalogue", output=str(tmp_path / "events.md"), stdout=StringIO())
    output = StringIO()
    call_command("event_catalogue", output="-", stdout=output)
    assert output.getvalue() == catalogue() == (tmp_path / "events.md").read_text(encoding="utf-8")
