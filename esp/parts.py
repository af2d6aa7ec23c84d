"""A call of many events of which one can't be read, read one by one: the others are not lost with it."""

import json
from typing import Any, Final

from django.http import HttpRequest

# Those that send a list of events; Mandrill has it in a form.
_LISTS: Final = ("mailjet", "mandrill", "sendgrid", "sparkpost")
_FIELD: Final = "mandrill_events"


def read_in_parts(esp: str, reader: Any, request: HttpRequest) -> tuple[list[Any], int]:
    """The events that can be read, and how many can't. Raises ValueError for a call that has no parts."""
    events, failed = [], 0
    for part in _parts(esp, request):
        try:
            events += reader.parse_events(part)
        except Exception:
            # It is of a kind that nobody thought of: there is nothing more to say of it.
            failed += 1
    return events, failed


def _parts(esp: str, request: HttpRequest) -> list[HttpRequest]:
    if esp not in _LISTS:
        raise ValueError("One event makes a call of this ESP.")
    content = json.loads(request.POST.get(_FIELD, "") if esp == "mandrill" else request.body)
    if not isinstance(content, list):
        raise ValueError("This is no list of events.")
    return [_part(esp, json.dumps([each])) for each in content]


def _part(esp: str, events: str) -> HttpRequest:
    part: Any = HttpRequest()
    if esp == "mandrill":
        part.POST = {_FIELD: events}
    else:
        part._body = events.encode()
    return part  # type: ignore[no-any-return]
