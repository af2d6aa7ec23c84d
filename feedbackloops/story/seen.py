"""What was seen when an event happened: of a hit its request, of a report what was told."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from feedbackloops.protocol.outcome import shown
from tracking.hits import CIRCUMSTANCES
from tracking.models import Event, EventType

# How a request names what the event keeps; the order is that of a request.
_HEADERS: Final = {"useragent": "User-Agent", "referer": "Referer", **{name: name.title() for name in CIRCUMSTANCES}}
_HITS: Final = (EventType.OPEN, EventType.CLICK, EventType.UNSUBSCRIBE)
_PATHS: Final = {EventType.OPEN: "GET /o/….gif", EventType.CLICK: "GET /c/…"}
MOST_OF_VALUE: Final = 4000


@dataclass(frozen=True, slots=True)
class HitShown:
    """`words` tell what happened. `line`, `address` and `headers` are those of a hit; `facts` is what else is known."""

    words: str
    line: str
    address: str
    headers: list[tuple[str, str]]
    facts: list[tuple[str, str]]
    hints: list[str]


def hit_of(event: Event) -> HitShown:
    """What to show of an event."""
    data = event.data
    is_hit = event.type in _HITS and ("ip" in data or "useragent" in data)
    headers = [(label, str(data[name])) for name, label in _HEADERS.items() if is_hit and data.get(name)]
    taken = {"ip", *_HEADERS} if is_hit else set()
    facts = [(name, cut(value)) for name, value in data.items() if name not in taken]
    line = _PATHS.get(EventType(event.type), _("a request to unsubscribe")) if is_hit else ""
    address = str(data.get("ip", "")) if is_hit else ""
    return HitShown(_words(event), line, address, headers, facts, _hints(data) if is_hit else [])


def _words(event: Event) -> str:
    told = {name: shown(str(event.data.get(name) or "–"), 300) for name in _TOLD}
    if event.type not in EventType.values:
        return ""
    sentences = _SENTENCES | _OF_SUBPROFILES if event.data.get("subprofile") else _SENTENCES
    return sentences[EventType(event.type)]() % told


_TOLD: Final = ("original", "code", "description", "profile", "subprofile", "envelope", "emailfrom")
_SENTENCES: Final[dict[EventType, Callable[[], str]]] = {
    EventType.CLICK: lambda: _("The recipient clicked a link to %(original)s"),
    EventType.OPEN: lambda: _("The mail was opened: its pixel was loaded."),
    EventType.UNSUBSCRIBE: lambda: _("The recipient unsubscribed."),
    EventType.DELIVERY: lambda: _("The recipient's mail server took the mail: %(code)s %(description)s"),
    EventType.FAILURE: lambda: _("The mail could not be delivered: %(code)s %(description)s"),
    EventType.BOUNCE: lambda: _("The mail came back to %(envelope)s."),
    EventType.ABUSE: lambda: _("%(emailfrom)s complained of the mail."),
    EventType.CREATE: lambda: _("Profile %(profile)s was made."),
    EventType.UPDATE: lambda: _("Profile %(profile)s was changed."),
    EventType.DELETE: lambda: _("Profile %(profile)s was deleted."),
}
_OF_SUBPROFILES: Final[dict[EventType, Callable[[], str]]] = {
    EventType.CREATE: lambda: _("Subprofile %(subprofile)s of profile %(profile)s was made."),
    EventType.UPDATE: lambda: _("Subprofile %(subprofile)s of profile %(profile)s was changed."),
    EventType.DELETE: lambda: _("Subprofile %(subprofile)s of profile %(profile)s was deleted."),
}


def _hints(data: dict[str, Any]) -> list[str]:
    """What to know of where it came from, beside the verdict."""
    return [_("It came through a proxy (Via).")] if data.get("via") else []


def cut(value: Any) -> str:
    """A value as text, as far as there is room."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_OF_VALUE else text[:MOST_OF_VALUE] + "…"
