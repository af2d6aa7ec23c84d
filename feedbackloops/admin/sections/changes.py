"""What was done to a loop and by whom, and who was told of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.utils.text import capfirst

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import FeedbackLoop, Notice
from feedbackloops.words import url_shown

ENTRIES_SHOWN = 10
NOTICES_SHOWN = 4
# What the log of a loop says of the old and the new value: of keys it says only that they changed.
TOLD: Final = frozenset(
    {"name", "url", "contact", "event_types", "databases", "people_only", "only_fields", "left_out"}
    | {"body_format", "status"}
    | {"in_flight_limit", "rate_limit", "rsa_key_id"}
)
LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log. `values`: what was changed, from what, to what."""

    entry: LogEntry
    values: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Changes:
    """The last entries and the last mails about a loop, the newest first."""

    entries: list[Entry]
    notices: list[Notice]


def changes(visit: Visit) -> Changes:
    """What was last done to the loop."""
    kind = ContentType.objects.get_for_model(FeedbackLoop)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(visit.loop.pk)).select_related("user")
    shown = [Entry(entry, _values(entry)) for entry in entries[:ENTRIES_SHOWN]]
    return Changes(shown, list(visit.loop.notices.all()[:NOTICES_SHOWN]))


def with_values(message: Any, form: Any) -> Any:
    """What Django notes of a change, and beside the names of the fields their old and new values."""
    values = {
        name: [_written(name, form.initial.get(name)), _written(name, form.cleaned_data.get(name))]
        for name in form.changed_data
        if name in TOLD
    }
    for part in message:
        if "changed" in part and "object" not in part["changed"]:
            part["changed"]["values"] = values
    return message


def url_changed(before: str, after: str) -> list[dict[str, Any]]:
    """What is noted where the URL was changed without the form."""
    values = {"url": [_written("url", before), _written("url", after)]}
    return [{"changed": {"fields": ["URL"], "values": values}}]


def _written(name: str, value: Any) -> str:
    if isinstance(value, list | tuple | QuerySet):
        return ", ".join(sorted(map(str, value)))[:LONGEST]
    if value is None:
        return ""
    return url_shown(str(value))[:LONGEST] if name == "url" else str(value)[:LONGEST]


def _values(entry: LogEntry) -> list[tuple[str, str, str]]:
    try:
        parts = json.loads(entry.change_message)
    except ValueError:
        return []
    changed = [part.get("changed", {}).get("values", {}) for part in parts if isinstance(part, Mapping)]
    told = [(name, both) for values in changed for name, both in values.items() if name in TOLD]
    return [(_label(name), str(before), str(after)) for name, (before, after) in told]


def _label(name: str) -> str:
    return str(capfirst(FeedbackLoop._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
