"""From a request (a WSGI environ, PEP 3333) to a Hit, and from a Hit to a line of the spool and back."""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeVar
from uuid import UUID
from zlib import crc32

from tracking.tokens import Link

OPEN: Final = "open"
CLICK: Final = "click"
MAX_USER_AGENT: Final = 1000
MAX_REFERER: Final = 2000

_T = TypeVar("_T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_HOP = re.compile(
    r"(?P<four>[0-9.]+)(?::[0-9]{1,5})?"
    r"|\[(?P<bracketed>[0-9a-f:.]+)(?:%[^\]]*)?\](?::[0-9]{1,5})?"
    r"|(?P<six>[0-9a-f:.]+)(?:%.*)?",
    re.IGNORECASE,
)
_CHECKSUM = b',"crc":"%08x"}\n'
_CHECKSUM_SIZE = len(_CHECKSUM % 0)


@dataclass(frozen=True, slots=True)
class Hit:
    """A pixel that was loaded or a link that was clicked.

    `occurred_at` is aware, in UTC and whole milliseconds: the instant of `id`, a UUIDv7. `data` has the names of the
    wire (ip, useragent, referer, original, link); what is unknown is left out.
    """

    id: UUID
    type: str
    account: int
    message: UUID
    occurred_at: datetime
    data: dict[str, str | int]

    def to_line(self) -> bytes:
        """One line of ASCII JSON, newline included, ending in a CRC-32 of all that stands before it."""
        content = json.dumps(
            {
                "id": str(self.id),
                "type": self.type,
                "account": self.account,
                "message": str(self.message),
                "ms": (self.occurred_at - _EPOCH) // _MILLISECOND,
                "data": self.data,
            },
            separators=(",", ":"),
        )
        body = content[:-1].encode("ascii")
        return body + _CHECKSUM % crc32(body)

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The hit that `to_line` wrote. Raises ValueError for a line that is torn, altered or not one of ours."""
        body = line[:-_CHECKSUM_SIZE]
        if line != body + _CHECKSUM % crc32(body):
            raise ValueError("The line is torn or was altered: its checksum does not fit.")
        try:
            values = json.loads(body + b"}")
            return cls(
                id=UUID(values["id"]),
                type=_checked(values["type"], str),
                account=_checked(values["account"], int),
                message=UUID(values["message"]),
                occurred_at=_EPOCH + _checked(values["ms"], int) * _MILLISECOND,
                data=_checked(values["data"], dict),
            )
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError, ValueError) as error:
            raise ValueError(f"The line is whole but holds no hit: {type(error).__name__}.") from error


def hit_from(environ: Mapping[str, Any], link: Link, *, id: UUID, occurred_at: datetime, proxies: int) -> Hit:
    """The hit that a request for `link` makes; `occurred_at` (aware, UTC) is cut to the millisecond of `id`."""
    data: dict[str, str | int] = {}
    if address := client_address(environ, proxies):
        data["ip"] = address
    if user_agent := _header(environ, "HTTP_USER_AGENT", MAX_USER_AGENT):
        data["useragent"] = user_agent
    if referer := _header(environ, "HTTP_REFERER", MAX_REFERER):
        data["referer"] = referer
    if link.url:
        data["original"] = link.url
        data["link"] = link.index
    instant = occurred_at.replace(microsecond=occurred_at.microsecond // 1000 * 1000)
    return Hit(id, CLICK if link.url else OPEN, link.account, link.message, instant, data)


def client_address(environ: Mapping[str, Any], proxies: int) -> str | None:
    """The client's IP address, seen through `proxies` proxies of our own; None when there is none (a Unix socket).

    Each proxy appends to X-Forwarded-For whom it heard from, so the Nth entry from the right is the client; whatever
    stands left of it is the client's own claim. Too few entries give the leftmost. An entry that can't be read gives
    None: REMOTE_ADDR is then our own proxy, and stands for the client only where no header came at all.
    """
    forwarded = environ.get("HTTP_X_FORWARDED_FOR") if proxies > 0 else None
    if forwarded is None:
        return _address(environ.get("REMOTE_ADDR", ""))
    return _address(forwarded.rsplit(",", proxies)[-proxies:][0])


def _address(text: str) -> str | None:
    hop = _HOP.fullmatch(text.strip())
    if hop is None:
        return None
    try:
        if hop["four"]:
            return str(ipaddress.IPv4Address(hop["four"]))
        address = ipaddress.IPv6Address(hop["bracketed"] or hop["six"])
    except ValueError:
        return None
    return str(address.ipv4_mapped or address)


def _header(environ: Mapping[str, Any], name: str, limit: int) -> str:
    value: str = environ.get(name, "")
    if not (value.isascii() and value.isprintable()):
        value = _UNWANTED.sub("", _redecoded(value))
    return value.strip()[:limit].rstrip()


def _redecoded(value: str) -> str:
    """WSGI hands over bytes as Latin-1; browsers send UTF-8. A server that decoded by itself is taken at its word."""
    try:
        return value.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return value


def _checked(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value
