"""Choosing the events of a loop: in groups, each with an example of its call and how many to expect."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django import forms
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.timezone import now
from django.utils.translation import gettext_lazy

from feedbackloops.admin.narrowing import narrowed_example
from feedbackloops.counting import HOUR, hour_of
from feedbackloops.overview import events_in
from feedbackloops.protocol.catalogue import SOURCES, plain
from feedbackloops.protocol.narrowing import Narrowing
from feedbackloops.protocol.payload import form as form_body
from profiles.saying import said
from tracking.models import EventType

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

TEMPLATE: Final = "admin/feedbackloops/feedbackloop/picker.html"


class Group(NamedTuple):
    """Types of events that belong together; `key` names the group where a program reads it."""

    key: str
    label: "StrPromise"
    types: list[EventType]


EVENT_TYPES: Final = [
    Group("engagement", gettext_lazy("Engagement"), [EventType.CLICK, EventType.OPEN, EventType.UNSUBSCRIBE]),
    Group(
        "delivery", gettext_lazy("Delivery"), [EventType.DELIVERY, EventType.FAILURE, EventType.BOUNCE, EventType.ABUSE]
    ),
    Group("profiles", gettext_lazy("Profiles"), [EventType.CREATE, EventType.UPDATE, EventType.DELETE]),
]
DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Offer:
    """A type of event to choose. `count`: how many came in the last days; None where the account is not known."""

    value: str
    label: str
    id: str
    is_chosen: bool
    count: int | None
    source: str
    narrowing: Narrowing | None = None

    @property
    def as_form(self) -> str:
        """An example of the call, a pair on each line."""
        return form_body(narrowed_example(self.value, self.narrowing)).decode("ascii").replace("&", "&\n")

    @property
    def as_json(self) -> str:
        """The same example as JSON."""
        return json.dumps(narrowed_example(self.value, self.narrowing), ensure_ascii=False, indent=2)


class EventPicker(forms.CheckboxSelectMultiple):
    """Checkboxes for the types of events. `account`: the number of the account whose events are counted, if known."""

    account: int | None = None
    # What the loop leaves out of the examples.
    narrowing: Narrowing | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The picker. Asks once for the counts of the last days."""
        chosen = {str(each) for each in value or ()}
        base = (attrs or {}).get("id") or f"id_{name}"
        counts = counts_of_account(self.account) if self.account else None
        groups = [
            (
                group.label,
                [_offer(each, f"{base}_{each.value}", chosen, counts, self.narrowing) for each in group.types],
            )
            for group in EVENT_TYPES
        ]
        total = sum(counts.get(each, 0) for each in chosen) if counts is not None else None
        context = {"name": name, "id": base, "groups": groups, "days": DAYS, "total": rate_words(total)}
        return render_to_string(TEMPLATE, context | {"words": {"few": FEW, "one": ONE, "some": SOME, "none": NONE}})


NONE: Final = gettext_lazy("No calls to expect: none of these events came in.")
FEW: Final = gettext_lazy("Less than one call an hour to expect.")
ONE: Final = gettext_lazy("About one call an hour to expect.")
SOME: Final = gettext_lazy("About %(number)s calls an hour to expect.")
UNKNOWN: Final = gettext_lazy("How many calls to expect shows once the account is chosen.")


def type_choices() -> list[tuple[Any, list[tuple[str, Any]]]]:
    """The event types to choose from, in groups."""
    return [(group.label, [(each.value, each.label) for each in group.types]) for group in EVENT_TYPES]


def counts_of_account(account: int) -> dict[str, int]:
    """How many events of each type came in the last seven days, whole hours and the one that has begun."""
    until = hour_of(now()) + HOUR
    return events_in(account, until - timedelta(days=DAYS), until)


def rate_words(total: int | None) -> str:
    """How many calls an hour so many events in the last days make."""
    if total is None:
        return str(UNKNOWN)
    if not total:
        return str(NONE)
    an_hour = round(total / (DAYS * 24))
    if an_hour < 2:
        return str(ONE if an_hour else FEW)
    return str(SOME) % {"number": number_format(an_hour, force_grouping=True)}


def _offer(
    type: EventType, id: str, chosen: set[str], counts: Mapping[str, int] | None, narrowing: Narrowing | None
) -> Offer:
    count = None if counts is None else counts.get(type.value, 0)
    source = plain(said(SOURCES[type.value]))
    return Offer(type.value, str(type.label), id, type.value in chosen, count, source, narrowing)
