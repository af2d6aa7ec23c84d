"""From an event and a snapshot to the body that a customer's script receives."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
JSON_TYPE = "application/json"
MIME_LIMIT = 1024 * 1024

_SEEN = ("ip", "useragent", "referer")
_PROFILE = ("profile", "database", "fields", "interests")
_SMTP = ("code", "extended", "description")
_ABOUT_MESSAGE = ("id", "recipient", "tags")
_CHANGED = ("profile", "subprofile", "collection", "database", "fields", "interests")
_CHANGED_BY_ACTION = (*_CHANGED, "parameters", "created", "modified")

# The names of the wire contract, in its order, per type of event.
_NAMES: dict[str, tuple[str, ...]] = {
    "click": (*_ABOUT_MESSAGE, *_SEEN, "original", *_PROFILE),
    "open": (*_ABOUT_MESSAGE, *_SEEN, *_PROFILE),
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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

# PHP (php_register_variable_ex) ends a key at "]" or NUL, takes an empty one or one white space for "append", and drops
# what begins like a cookie's prefix.
_UNHOLDABLE = re.compile(r"[ \t\n\v\f\r]?\Z|__Host-|__Secure-|[^\]\0]*[\]\0]").match
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPES = {byte: chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)} | {ord(" "): "+"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class EventFacts:
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
    pairs: list[str] = []
    for name, value in payload.items():
        kind = type(value)
        if kind is dict:
            pairs += [prefix + _value(name, item) for key, item in value.items() if (prefix := _map_prefix(name, key))]
        elif kind is list or kind is tuple:
            prefix = f"{_quote(name)}%5B%5D="
            pairs += [prefix + _value(name, item) for item in value]
        else:
            pairs.append(f"{name}={_value(name, value)}")
    return "&".join(pairs).encode("ascii")


def form_can_hold(name: str) -> bool:
    """Return whether PHP keeps this name as a key.

    It does not where the name is empty or one white space, has a `]` or NUL, or begins with `__Host-` or `__Secure-`.
    """
    return _UNHOLDABLE(name) is None


def unholdable(names: Iterable[str]) -> list[str]:
    """Return the names that a form body leaves out, in the order given."""
    return [name for name in names if not form_can_hold(name)]


@lru_cache(maxsize=1024)
def _map_prefix(name: str, key: str) -> str:
    return f"{_quote(name)}%5B{_quote(key)}%5D=" if form_can_hold(key) else ""


def _value(name: str, value: Any) -> str:
    if type(value) is str:
        return _quote(value)
    if type(value) is int:
        return str(value)
    raise _refusal(name, value)


def _quote(text: str) -> str:
    # str.translate() is several times faster than quote_plus(): it copies what needs no escape in C.
    if not text.isascii():
        text = _utf8(text).decode("latin-1")
    return text.translate(_ESCAPES)


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
