"""What is noted of changes to a loop: of each field its old and new value, of keys only that they changed."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.text import capfirst

from feedbackloops.models import FeedbackLoop, ProgramAct
from feedbackloops.words import url_shown

TOLD: Final = frozenset(
    {"name", "url", "contact", "event_types", "databases", "people_only", "only_fields", "left_out"}
    | {"body_format", "status", "in_flight_limit", "rate_limit", "rsa_key_id"}
)
LONGEST: Final = 300
AN_HOUR: Final = timedelta(hours=1)


def values_of(names: Iterable[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[str]]:
    """The old and the new value of those of these fields that may be told."""
    return {name: [_written(name, before.get(name)), _written(name, after.get(name))] for name in names if name in TOLD}


def changed(values: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """What is noted where fields were changed without a form, as Django notes it."""
    return [{"changed": {"fields": [label_of(name) for name in values], "values": dict(values)}}]


def values_in(message: str) -> list[tuple[str, str, str]]:
    """What a note says of old and new values: the field's label, what it was, what it is."""
    try:
        parts = json.loads(message)
    except ValueError:
        return []
    both = [part.get("changed", {}).get("values", {}) for part in parts if isinstance(part, Mapping)]
    told = [(name, pair) for values in both for name, pair in values.items() if name in TOLD]
    return [(label_of(name), str(before), str(after)) for name, (before, after) in told]


def note_program(loop: FeedbackLoop, program: str, words: str | list[dict[str, Any]]) -> None:
    """Note what a program did to the loop, in words or as `changed` has it; in the caller's transaction."""
    told = words if isinstance(words, str) else json.dumps(words)
    ProgramAct.objects.create(loop=loop, program=program, words=told)


def note_program_hourly(loop: int, program: str, words: str, moment: datetime) -> None:
    """As note_program, of what a program may do by the thousand: noted once in an hour."""
    lately = ProgramAct.objects.filter(loop_id=loop, program=program, words=words, done__gt=moment - AN_HOUR)
    if not lately.exists():
        ProgramAct.objects.create(loop_id=loop, program=program, words=words)


def label_of(name: str) -> str:
    """What people call a field of a loop."""
    return str(capfirst(FeedbackLoop._meta.get_field(name).verbose_name))  # type: ignore[union-attr]


def _written(name: str, value: Any) -> str:
    if isinstance(value, list | tuple | QuerySet):
        return ", ".join(sorted(map(str, value)))[:LONGEST]
    if value is None:
        return ""
    return url_shown(str(value))[:LONGEST] if name == "url" else str(value)[:LONGEST]
