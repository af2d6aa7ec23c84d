"""From an event and a snapshot to the body that a customer's script receives."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
JSON_TYPE = "application/json"
MIME_LIMIT = 1024 * 1024

_SEEN = ("ip", "useragent", "referer")
JUDGED = ("first", "verdict", "reasons", "client", "os", "device")
_PROFILE = ("profile", "database", "fields", "interests")
_SMTP = ("code", "extended", "description")
_ABOUT_MESSAGE = ("id", "recipient", "tags")
_CHANGED = ("profile", "subprofile", "collection", "database", "fields", "interests")
_CHANGED_BY_ACTION = (*_CHANGED, "parameters", "created", "modified")

# The names of the wire contract, in its order, per type of event.
_NAMES: dict[str, tuple[str, ...]] = {
    "click": (*_ABOUT_MESSAGE, *_SEEN, "original", "link", *JUDGED, *_PROFILE),
    "open": (*_ABOUT_MESSAGE, *_SEEN, *JUDGED, *_PROFILE),
    "delivery": (*_ABOUT_MESSAGE, *_PROFILE, *_SMTP),
    "failure": (*_ABOUT_MESSAGE, *_PROFILE, *_SMTP, "action", "state"),
    "bounce": (*_ABOUT_MESSAGE, *_PROFILE, "envelope", "mime"),
    "abuse": (*_ABOUT_MESSAGE, *_PROFILE, "emailfrom", "mime"),
    "unsubscribe": (*_ABOUT_MESSAGE, *_SEEN, *_PROFILE),
    "create": _CHANGED_BY_ACTION,
    "update": _CHANGED_BY_ACTION,
    "delete": _CHANGED,
}
EVENT_TYPES = tuple(_NAMES)
# What a type sends beside its type, time and id.
NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(_NAMES)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

# PHP (php_register_variable_ex) ends a key at "]" or NUL, takes an empty one or one white space for "append", and drops
# what begins like a cookie's prefix.
_UNHOLDABLE = re.compile(r"[ \t\n\v\f\r]?\Z|__Host-|__Secure-|[^\]\0]*[\]\0]").match
_UNRESERVED_OR_NUL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~\0"
_BYTES = [bytes([byte]) for byte in range(256)]
_ESCAPES = [each if each in _UNRESERVED_OR_NUL else b"+" if each == b" " else b"%%%02X" % ord(each) for each in _BYTES]
_MOST_PASSES = 24
# Values of a form whose template is kept. Longer ones are seldom alike, and would fill the memory.
_MOST_KEPT = 200
_SURROGATE = re.compile("[\ud800-\udfff]")
# Where a value of a form stands, or the values of a list (how many) or of a map (their keys).
_Slot = str | tuple[str, int] | tuple[str, tuple[str, ...]]
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class EventFacts(NamedTuple):
    """What an event itself knows. `data` uses the names of the wire contract; `message` is the id of the message."""

    id: UUID
    type: str
    occurred_at: datetime
    data: Mapping[str, Any]
    message: UUID | None = None


def build(event: EventFacts, snapshot: Mapping[str, Any] | None, *, mime_limit: int = MIME_LIMIT) -> dict[str, Any]:
    """Return the fields of the wire contract, in its order.

    What the event knows goes before what the snapshot says. Single values that are unknown (missing, None or empty)
    are left out; a list or map that is known is kept, also when it is empty. `mime_limit` is in bytes of UTF-8.
    Raises ValueError for a type that the contract does not have, or a time without a time zone.
    """
    if event.type not in _NAMES:
        raise ValueError(f"The event type {event.type!r} is not one of {', '.join(EVENT_TYPES)}.")
    payload = _about(event)
    facts = _facts(event, snapshot)
    for name in _NAMES[event.type]:
        value = facts.get(name)
        if value is not None and value != "":
            payload[name] = value
    if "mime" in payload:
        payload |= cap_mime(payload["mime"], mime_limit)
        if facts.get("mime_truncated"):
            # It was cut when it came in already.
            payload["mime_truncated"] = 1
    return payload


def _about(event: EventFacts) -> dict[str, Any]:
    if event.occurred_at.tzinfo is None:
        raise ValueError("The time of an event needs a time zone.")
    moment = event.occurred_at.astimezone(UTC)
    timestamp = moment.isoformat(" ", "seconds")[:19]
    return {"type": event.type, "timestamp": timestamp, "time": (moment - _EPOCH) // _SECOND, "event": str(event.id)}


def _facts(event: EventFacts, snapshot: Mapping[str, Any] | None) -> dict[str, Any]:
    facts = {**(snapshot or {}), **event.data}
    if event.message is not None:
        facts["id"] = str(event.message)
    if facts.get("profile") is None:
        facts.pop("fields", None)
        facts.pop("interests", None)
    if facts.get("subprofile") is not None:
        facts.pop("interests", None)
    return facts


def cap_mime(text: str, limit_bytes: int = MIME_LIMIT) -> dict[str, Any]:
    """Return `mime`, cut between two characters to at most `limit_bytes` of UTF-8, and `mime_truncated` if it was."""
    # A character takes four bytes at the most.
    if len(text) * 4 <= limit_bytes:
        return {"mime": text}
    encoded = _utf8(text)
    if len(encoded) <= limit_bytes:
        return {"mime": text}
    return {"mime": encoded[:limit_bytes].decode("utf-8", "ignore"), "mime_truncated": 1}


def json_body(payload: Mapping[str, Any]) -> bytes:
    """Return the payload as UTF-8 JSON (RFC 8259). Raises TypeError for a value that is not text or a whole number."""
    for name, value in payload.items():
        for single in _singles(value):
            if type(single) is not str and type(single) is not int:
                raise _refusal(name, single)
    return _utf8(_encode_json(payload))


def form(payload: Mapping[str, Any]) -> bytes:
    """Return the payload as a form body that PHP decodes to the same names and values.

    Maps become `name[key]=value`, lists `name[]=value` (brackets escaped, as browsers do). Keys that PHP cannot hold
    are left out. Raises TypeError for a value that is not text or a whole number.
    """
    shape: list[_Slot] = []
    texts: list[str] = []
    for name, value in payload.items():
        kind = type(value)
        if kind is dict:
            shape.append((name, tuple(value)))
            texts += _texts(name, value.values())
        elif kind is list or kind is tuple:
            shape.append((name, len(value)))
            texts += _texts(name, value)
        else:
            shape.append(name)
            texts.append(_text(name, value))
    template = _kept_template if len(texts) <= _MOST_KEPT else _template
    return (template(tuple(shape)) % tuple(_quote_all(texts)))[1:]


def form_can_hold(name: str) -> bool:
    """Return whether PHP keeps this name as a key.

    It does not where the name is empty or one white space, has a `]` or NUL, or begins with `__Host-` or `__Secure-`.
    """
    return _UNHOLDABLE(name) is None


def unholdable(names: Iterable[str]) -> list[str]:
    """Return the names that a form body leaves out, in the order given."""
    return [name for name in names if not form_can_hold(name)]


def _template(shape: tuple[_Slot, ...]) -> bytes:
    """A form of this shape, with `%b` for each value, behind an ampersand; a key that PHP can't hold takes no room."""
    names = chain.from_iterable(map(_names, shape))
    return b"".join(b"&%b=%%b" % name.replace(b"%", b"%%") if name else b"%.0b" for name in names)


# Events of one type whose profiles are of one database look the same, but for the values.
_kept_template = lru_cache(maxsize=1024)(_template)


def _names(slot: _Slot) -> Sequence[bytes]:
    if isinstance(slot, str):
        return [_quote(slot)]
    name, inner = slot
    if isinstance(inner, int):
        return [_quote(name) + b"%5B%5D"] * inner
    return [b"%b%%5B%b%%5D" % (_quote(name), _quote(key)) if form_can_hold(key) else b"" for key in inner]


def _texts(name: str, values: Iterable[Any]) -> list[str]:
    return [value if type(value) is str else _text(name, value) for value in values]


def _text(name: str, value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise _refusal(name, value)


def _quote_all(texts: Sequence[str]) -> list[bytes]:
    # Escaping all of them at once costs a fifth of escaping each.
    quoted = _quote_but_nul(_utf8("\0".join(texts))).split(b"\0")
    return quoted if len(quoted) == len(texts) else [_quote(text) for text in texts]


def _quote(text: str) -> bytes:
    return _quote_but_nul(_utf8(text)).replace(b"\0", b"%00")


def _quote_but_nul(raw: bytes) -> bytes:
    """Escape as a form does. What has to be escaped is mostly a few characters, so a pass for each is fast."""
    unsafe = set(raw.translate(None, _UNRESERVED_OR_NUL)).difference(b"% ")
    if len(unsafe) > _MOST_PASSES:
        return b"".join(map(_ESCAPES.__getitem__, raw))
    raw = raw.replace(b"%", b"%25")
    for byte in unsafe:
        raw = raw.replace(_BYTES[byte], _ESCAPES[byte])
    return raw.replace(b" ", b"+")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def _singles(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return value.values()
    if type(value) is list or type(value) is tuple:
        return value
    return (value,)


def _refusal(name: str, value: Any) -> TypeError:
    return TypeError(f"The field {name!r} holds a {type(value).__name__}; only text and whole numbers can be sent.")
