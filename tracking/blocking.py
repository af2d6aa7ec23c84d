"""Which links no longer lead anywhere: those of a message, of an account, or to a target. Pure.

A target is a host, with all hosts under it, or a URL and all that begins like it on the same host. Scheme and port
don't count, nor how the host is written (IDNA, UTS 46) or which characters of the path are percent-encoded.
"""

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address
from typing import Final, NamedTuple, Self
from urllib.parse import unquote, urlsplit
from uuid import UUID

from profiles.sentences import Sentence, gettext_noop
from tracking.tokens import LAST_ACCOUNT, Link, location_header, target_problem

_SCHEMES: Final = ("http://", "https://")
# How nearly every target begins; for the others there is urlsplit, which takes ten times as long.
_PLAIN_HOST = re.compile(r"https?://([a-z0-9_.-]+)(?::[0-9]*)?(?![^/?#])", re.IGNORECASE | re.ASCII)


class Kind(StrEnum):
    """What a block is about."""

    MESSAGE = "message"
    ACCOUNT = "account"
    TARGET = "target"


KINDS: Final = tuple(kind.value for kind in Kind)


class Place(NamedTuple):
    """Where a target leads: its host, and path, query and fragment as they are compared."""

    host: str
    rest: str


@dataclass(frozen=True, slots=True)
class BlockList:
    """The blocks of all kinds, ready to be asked about a link."""

    # As numbers: the hash of a UUID takes five times as long.
    messages: frozenset[int] = frozenset()
    accounts: frozenset[int] = frozenset()
    hosts: frozenset[str] = frozenset()
    # By their host, so that a link is compared with those of its own host only.
    beginnings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, blocks: Iterable[tuple[str, str]]) -> Self:
        """From pairs of kind and value, the values as `normal_value` gives them. Raises ValueError for others."""
        values: dict[str, set[str]] = defaultdict(set)
        for kind, value in blocks:
            values[Kind(kind)].add(value)
        beginnings: dict[str, tuple[str, ...]] = {}
        for place in (_place(value) for value in values[Kind.TARGET] if value.startswith(_SCHEMES)):
            beginnings[place.host] = (*beginnings.get(place.host, ()), place.rest)
        return cls(
            messages=frozenset(UUID(value).int for value in values[Kind.MESSAGE]),
            accounts=frozenset(map(int, values[Kind.ACCOUNT])),
            hosts=frozenset(value for value in values[Kind.TARGET] if not value.startswith(_SCHEMES)),
            beginnings=beginnings,
        )

    def blocks(self, link: Link) -> bool:
        """Whether this link (or pixel) is to do nothing any more."""
        if self.messages and link.message.int in self.messages:
            return True
        if self.accounts and link.account in self.accounts:
            return True
        return bool(link.url and (self.hosts or self.beginnings)) and self._blocks_target(link.url)

    def _blocks_target(self, url: str) -> bool:
        plain = _PLAIN_HOST.match(url)
        host = plain[1].lower().rstrip(".") if plain else _place(url).host
        if host in self.beginnings and _place(url).rest.startswith(self.beginnings[host]):
            return True
        while host and host not in self.hosts:
            host = host.partition(".")[2]
        return bool(host)


def normal_value(kind: str, value: str) -> str:
    """The value as it is stored and compared. Raises ValueError, in words for people, when it can't be one."""
    text = value.strip()
    if kind == Kind.MESSAGE:
        return _message(text)
    if kind == Kind.ACCOUNT:
        return _account(text)
    return _target(text)


def to_json(blocks: Iterable[tuple[str, str]]) -> str:
    """The blocks as a process of this host keeps them for the next one."""
    return json.dumps({"blocks": sorted([str(kind), value] for kind, value in blocks)}, indent=1)


def from_json(text: str) -> BlockList:
    """The list that `to_json` wrote. Raises ValueError."""
    try:
        return BlockList.of((kind, value) for kind, value in json.loads(text)["blocks"])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a list of blocks: {type(error).__name__}") from error


def _message(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        words = gettext_noop("Give the message's id, such as 01890a5d-ac96-774b-bcce-b302099a8057.")
        raise ValueError(Sentence(words)) from None


def _account(text: str) -> str:
    number = text.removeprefix("account-")
    if not (number.isascii() and number.isdigit() and len(number) <= 20 and int(number) <= LAST_ACCOUNT):
        raise ValueError(Sentence(gettext_noop("Give the account's number, such as 7 or account-7.")))
    return str(int(number))


def _target(text: str) -> str:
    is_url = text.lower().startswith(_SCHEMES)
    url = text if is_url else f"https://{text}"
    if not is_url and re.search(r"[/?#]|:[0-9]*$", text.rpartition("]")[2]):
        words = gettext_noop("Give a host alone, such as example.com, or a whole URL that begins with https://.")
        raise ValueError(Sentence(words))
    if problem := target_problem(url):
        words = gettext_noop("%(problem)s Such as example.com, or https://example.com/shop/ for what begins like that.")
        raise ValueError(Sentence(words, problem=problem))
    if not is_url:
        return _place(url).host
    scheme, _, rest = location_header(url).partition("://")
    return f"{scheme.lower()}://{rest}"


def _place(url: str) -> Place:
    """Where a URL that tokens accept leads to."""
    parts = urlsplit(location_header(url))
    host = (parts.hostname or "").rstrip(".")
    path = unquote(parts.path)
    # As a browser resolves it (RFC 3986, 5.2.4); normpath leaves out a last slash, which tells /shop/ from /shop.
    last = "/" if path.endswith(("/", "/.", "/..")) else ""
    path = (posixpath.normpath(f"/{path.lstrip('/')}") + last).replace("//", "/")
    rest = "".join(sign + unquote(text) for sign, text in (("?", parts.query), ("#", parts.fragment)) if text)
    return Place(str(IPv6Address(host)) if ":" in host else host, path + rest)
