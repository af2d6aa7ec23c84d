"""What somebody outside tells of a message (a mail server, an ESP, a mailbox provider, a program), checked. Pure."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tracking.ids import keyed_id
from tracking.tokens import LAST_INDEX, target_problem

MIME_LIMIT: Final = 1024 * 1024
LONGEST_TEXT: Final = 2000
LONGEST_ADDRESS: Final = 320
LONGEST_USER_AGENT: Final = 1000

# A tab and line breaks are part of what servers say; PostgreSQL holds neither NUL nor half a surrogate pair.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
_STATE = re.compile(r"[a-z][a-z-]{0,31}", re.ASCII)


class BadReport(ValueError):
    """A report that can't become an event; its text says why, for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that happened to a message, as we were told.

    `occurred_at` (aware) is when it happened, from the report and never from our clock: with `key` (the ESP's id of the
    event, a digest of the mail), type and message it makes the event's id, so that what is told twice is one event.
    `data` has the names of the wire contract. `source` is for staff and is not sent; nor is `webhook`, the number of
    the one that it came in by, or 0.
    """

    type: str
    account: int
    message: UUID
    occurred_at: datetime
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    webhook: int = 0

    @property
    def event(self) -> UUID:
        """The id of its event. Raises BadReport for a moment that no id can have."""
        try:
            return keyed_id(self.occurred_at, str(self.account), self.type, str(self.message), self.key)
        except ValueError as error:
            raise BadReport(str(error)) from error


def checked(type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data as an event of this type keeps it: cleaned and capped, and what is unknown (None, "") left out.

    `mime` may be bytes. Raises BadReport, naming the field, for a type that is not about a message, a field that the
    type does not have, one that is missing, and a value that it can't have.
    """
    fields = FIELDS.get(type)
    if fields is None:
        raise BadReport(f"An event from outside is one of {', '.join(FIELDS)}, not {type!r:.40}.")
    if strange := sorted(map(str, data.keys() - fields.keys())):
        raise BadReport(f"An event of the type {type} has no field {strange[0]!r:.40}; it has {', '.join(fields)}.")
    values = _DEFAULTS.get(type, {}) | {name: value for name, value in data.items() if value not in (None, "", b"")}
    if missing := [name for name in REQUIRED.get(type, ()) if name not in values]:
        raise BadReport(f"An event of the type {type} needs the field {missing[0]!r}.")
    kept = {name: _checked(name, fields[name], value) for name, value in values.items()}
    return _cut({name: value for name, value in kept.items() if value != ""})


def _checked(name: str, check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except (ValueError, TypeError) as error:
        raise BadReport(f"The field {name!r} {error}.") from error


def _cut(data: dict[str, Any]) -> dict[str, Any]:
    encoded = data.get("mime", "").encode()
    if len(encoded) > MIME_LIMIT:
        data |= {"mime": encoded[:MIME_LIMIT].decode("utf-8", "ignore"), "mime_truncated": 1}
    return data


def _text(longest: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError("has to be a text")
        return _CONTROL.sub("", value).strip()[:longest].rstrip()

    return check


def _code(value: Any) -> int:
    # The reply codes of SMTP (RFC 5321, 4.2.1).
    if isinstance(value, bool) or not re.fullmatch(r"[2-5][0-9]{2}", str(value), re.ASCII):
        raise ValueError("has to be an SMTP reply code, such as 550")
    return int(value)


def _matching(pattern: re.Pattern[str], words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(words)
        return value

    return check


def _address_of_client(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("has to be a text")
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        raise ValueError("has to be an IP address") from None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _target(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("has to be a text")
    if problem := target_problem(value):
        raise ValueError(f"can't be kept: {problem.removesuffix('.')}")
    return value


def _link(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LAST_INDEX:
        raise ValueError(f"has to be a number from 1 to {LAST_INDEX}")
    return value


def _mime(value: Any) -> str:
    if isinstance(value, bytes):
        # Beyond what is kept nothing is looked at, but for one character that may be cut in two.
        value = value[: MIME_LIMIT + 4].decode("utf-8", "replace")
    if not isinstance(value, str):
        raise TypeError("has to be a text, or bytes")
    return _NOT_TEXT.sub("\ufffd", value)


_SEEN: Final[dict[str, Callable[[Any], Any]]] = {
    "ip": _address_of_client,
    "useragent": _text(LONGEST_USER_AGENT),
    "referer": _text(LONGEST_TEXT),
}
_SMTP: Final[dict[str, Callable[[Any], Any]]] = {
    "code": _code,
    "extended": _matching(_ENHANCED, "has to be an enhanced status code, such as 5.1.1"),
    "description": _text(LONGEST_TEXT),
}
# By type: its fields, in the names of the wire contract.
FIELDS: Final[dict[str, dict[str, Callable[[Any], Any]]]] = {
    "click": {**_SEEN, "original": _target, "link": _link},
    "open": _SEEN,
    "delivery": _SMTP,
    "failure": {
        **_SMTP,
        "action": _matching(re.compile("failed"), "has to be 'failed'"),
        "state": _matching(_STATE, "has to be a word in lower case, such as 'rcpt' or 'bounce'"),
    },
    "bounce": {"envelope": _text(LONGEST_ADDRESS), "mime": _mime},
    "abuse": {"emailfrom": _text(LONGEST_ADDRESS), "mime": _mime},
    "unsubscribe": _SEEN,
}
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "click": ("original",),
    "failure": ("action",),
    "bounce": ("mime",),
    "abuse": ("mime",),
}
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {"failure": {"action": "failed"}}
