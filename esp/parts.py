"""A call of many events of which one can't be read, read one by one: the others are not lost with it."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from django.http import HttpRequest

# More than any of them puts into a call.
MOST: Final = 10_000
# Where those that send a list of events have it; Mandrill in a field of a form.
_PLACES: Final[Mapping[str, tuple[str | int, ...]]] = MappingProxyType(
    {
        "mailjet": (),
        "mailtrap": ("events",),
        "mandrill": (),
        "sendgrid": (),
        "sparkpost": (),
        "unisender_go": ("events_by_user", 0, "events"),
    }
)
_FIELD: Final = "mandrill_events"


def read_in_parts(esp: str, reader: Any, request: HttpRequest) -> tuple[list[Any], int]:
    """The events that can be read, and how many can't. Raises ValueError for a call that has no parts."""
    events, failed = [], 0
    for part in _parts(esp, request):
        # Mandrill's keeps there whether the last event was of a mail that was sent, or that somebody sent in.
        reader.signal = getattr(type(reader), "signal", None)
        try:
            events += reader.parse_events(part)
        except Exception:
            # It is of a kind that nobody thought of: there is nothing more to say of it.
            failed += 1
    return events, failed


def has_too_many(esp: str, request: HttpRequest) -> bool:
    """Whether a call has more than MOST events. Raises RequestDataTooBig."""
    # Two characters are the least that an event of a list can have.
    if esp not in _PLACES or len(_text(esp, request)) < 2 * MOST:
        return False
    try:
        return len(_listed(esp, request)) > MOST
    except (ValueError, RecursionError):
        return False


def _parts(esp: str, request: HttpRequest) -> Iterator[HttpRequest]:
    for event in _listed(esp, request):
        content: Any = [event]
        for key in reversed(_PLACES[esp]):
            content = [content] if isinstance(key, int) else {key: content}
        yield _part(esp, json.dumps(content))


def _listed(esp: str, request: HttpRequest) -> list[Any]:
    if esp not in _PLACES:
        raise ValueError("One event makes a call of this ESP.")
    content = json.loads(_text(esp, request))
    try:
        for key in _PLACES[esp]:
            content = content[key]
    except (LookupError, TypeError):
        raise ValueError("There is no list of events where this ESP has it.") from None
    if not isinstance(content, list):
        raise ValueError("This is no list of events.")
    return content


def _text(esp: str, request: HttpRequest) -> str | bytes:
    return request.POST.get(_FIELD, "") if esp == "mandrill" else request.body


def _part(esp: str, events: str) -> HttpRequest:
    part: Any = HttpRequest()
    if esp == "mandrill":
        part.POST = {_FIELD: events}
    else:
        part._body = events.encode()
    return part  # type: ignore[no-any-return]
