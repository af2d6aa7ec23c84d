"""From a request to a Hit, and from a Hit to a line of the spool and back."""

import ipaddress
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from socket import AF_INET, inet_pton
from typing import Final, NamedTuple, Self, TypeVar
from uuid import UUID
from zlib import crc32

from tracking.tokens import Link

OPEN: Final = "open"
CLICK: Final = "click"
UNSUBSCRIBE: Final = "unsubscribe"
KINDS: Final = (OPEN, CLICK, UNSUBSCRIBE)
MAX_USER_AGENT: Final = 1000
MAX_REFERER: Final = 2000
MAX_CIRCUMSTANCE: Final = 200
# Headers that tell staff whether a person or a machine was there: what stood between, what fetched ahead of its reader,
# and a language, which machines seldom have. They are kept with the event and never sent to a script.
CIRCUMSTANCES: Final = ("accept-language", "via", "sec-purpose", "purpose")
_CIRCUMSTANCES: Final = [(name.encode(), name) for name in CIRCUMSTANCES]

_T = TypeVar("_T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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
    """A pixel that was loaded, a link that was clicked, or a recipient who unsubscribes.

    `occurred_at` is aware, in UTC and whole milliseconds: the instant of `id`, a UUIDv7. `data` has the names of the
    wire (ip, useragent, referer, original, link), and those of CIRCUMSTANCES; what is unknown is left out.
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


class Visitor(NamedTuple):
    """Who makes a hit: the address that connected ("" where there is none) and the headers, names in lower case.

    Header values are the bytes that came, and a header that came twice is there twice: what an ASGI scope has.
    """

    peer: str
    headers: Iterable[tuple[bytes, bytes]]


def hit_from(
    visitor: Visitor, link: Link, *, id: UUID, occurred_at: datetime, proxies: int, type: str | None = None
) -> Hit:
    """The hit that a visitor of `link` makes; `occurred_at` (aware, UTC) is cut to the millisecond of `id`.

    `type` is by default what a link is there for: a click where it leads somewhere, else an open.
    """
    headers = dict(visitor.headers)
    data: dict[str, str | int] = {}
    if address := client_address(visitor, proxies):
        data["ip"] = address
    if user_agent := _clean(headers.get(b"user-agent", b""), MAX_USER_AGENT):
        data["useragent"] = user_agent
    if referer := _clean(headers.get(b"referer", b""), MAX_REFERER):
        data["referer"] = referer
    for header, name in _CIRCUMSTANCES:
        if (value := headers.get(header)) and (text := _clean(value, MAX_CIRCUMSTANCE)):
            data[name] = text
    if link.url:
        data["original"] = link.url
        data["link"] = link.index
    instant = occurred_at.replace(microsecond=occurred_at.microsecond // 1000 * 1000)
    return Hit(id, type or (CLICK if link.url else OPEN), link.account, link.message, instant, data)


def client_address(visitor: Visitor, proxies: int) -> str | None:
    """The client's IP address, seen through `proxies` proxies of our own; None when there is none (a Unix socket).

    Each proxy appends to X-Forwarded-For whom it heard from, so the Nth entry from the right is the client; whatever
    stands left of it is the client's own claim. Too few entries give the leftmost. An entry that can't be read gives
    None: the peer is then our own proxy, and stands for the client only where no header came at all.
    """
    forwarded = [value for name, value in visitor.headers if name == b"x-forwarded-for"] if proxies > 0 else []
    if not forwarded:
        return _address(visitor.peer)
    # A header in several lines is one list (RFC 9110, section 5.3).
    return _address(b",".join(forwarded).decode("latin-1").rsplit(",", proxies)[-proxies:][0])


def _address(text: str) -> str | None:
    hop = _HOP.fullmatch(text.strip())
    if hop is None:
        return None
    try:
        if four := hop["four"]:
            # It knows one way to write an address only, and a tenth of the time that ipaddress takes.
            inet_pton(AF_INET, four)
            return four
        address = ipaddress.IPv6Address(hop["bracketed"] or hop["six"])
    except (ValueError, OSError):
        return None
    return str(address.ipv4_mapped or address)


def _clean(value: bytes, limit: int) -> str:
    text = value.decode("utf-8", "replace")
    if not (text.isascii() and text.isprintable()):
        text = _UNWANTED.sub("", text)
    return text.strip()[:limit].rstrip()


def _checked(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value
