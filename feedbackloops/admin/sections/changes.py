"""What was done to a loop and by whom, and who was told of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.changelog import changed, values_in, values_of
from feedbackloops.models import FeedbackLoop, Notice, ProgramAct

ENTRIES_SHOWN = 10
NOTICES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done. `values`: what was changed, from what, to what; `words` where there are none."""

    moment: datetime
    who: str
    words: str
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
    acts = by_programs(visit.loop)
    shown = sorted([*map(_by_staff, entries[:ENTRIES_SHOWN]), *acts], key=lambda each: each.moment, reverse=True)
    return Changes(shown[:ENTRIES_SHOWN], list(visit.loop.notices.all()[:NOTICES_SHOWN]))


def by_programs(loop: FeedbackLoop, most: int = ENTRIES_SHOWN) -> list[Entry]:
    """What programs last did to the loop over the API, the newest first."""
    return [_by_program(act) for act in ProgramAct.objects.filter(loop=loop)[:most]]


def with_values(message: Any, form: Any) -> Any:
    """What Django notes of a change, and beside the names of the fields their old and new values."""
    values = values_of(form.changed_data, form.initial, form.cleaned_data)
    for part in message:
        if "changed" in part and "object" not in part["changed"]:
            part["changed"]["values"] = values
    return message


def url_changed(before: str, after: str) -> list[dict[str, Any]]:
    """What is noted where the URL was changed without the form."""
    return changed(values_of(["url"], {"url": before}, {"url": after}))


def _by_staff(entry: LogEntry) -> Entry:
    who = entry.user.get_full_name() or entry.user.get_username()
    return Entry(entry.action_time, who, entry.get_change_message(), values_in(entry.change_message))


def _by_program(act: ProgramAct) -> Entry:
    values = values_in(act.words)
    return Entry(act.done, _("API: %(program)s") % {"program": act.program}, "" if values else act.words, values)
