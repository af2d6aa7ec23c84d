"""Signed tokens for pixel and link URLs, and the rules for where a link may lead.

A token carries all that a hit needs, so that a redirect asks no database. It is unpadded base64url (RFC 4648, 5) of

    version (1 byte) | key id (1) | account (8) | message UUID (16) | link index (2) | target (UTF-8) | MAC (16)

with numbers in big endian; a pixel has no target, nor has the link to unsubscribe.

The MAC is keyed BLAKE2b (RFC 7693), personalised by purpose: a pixel's token never passes for a click's.
"""

import base64
import ipaddress
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Final, Self
from urllib.parse import quote
from uuid import UUID

import idna

from profiles.sentences import Sentence, gettext_noop

VERSION: Final = 1
LAST_INDEX: Final = 0xFFFF
LAST_ACCOUNT: Final = 2**64 - 1
MAX_TOKEN_LENGTH: Final = 8192
MAX_TARGET_LENGTH: Final = 4096

_HEAD = struct.Struct(">BBQ16sH")
_MAC_SIZE = 16
_MAX_TARGET_BYTES = MAX_TOKEN_LENGTH * 3 // 4 - _HEAD.size - _MAC_SIZE
_OPEN, _CLICK, _UNSUBSCRIBE = b"open", b"click", b"unsubscribe"

_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")
_TARGET = re.compile(r"(?P<scheme>https?://)(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:@%]+)(?P<port>:[0-9]{0,5})?", re.IGNORECASE | re.ASCII)
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE | re.ASCII)
_HEADER_SAFE = re.compile(r"[\x21-\x7e]*")
_FROM_URL_SAFE = str.maketrans("-_", "+/")
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class BadToken(ValueError):
    """A token that we did not sign; its text is the reason: malformed, unknown version, unknown key or forged."""


class RetiredKey(BadToken):
    """A token that we signed, with a key whose day is over."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a token stands for: one of a message's links (index from 1, its target), or its pixel or the link to
    unsubscribe (index 0, no url).
    """

    account: int
    message: UUID
    index: int
    url: str = ""


@dataclass(frozen=True)
class Keyring:
    """The signing secrets (32 to 64 bytes) by key id (1 to 255); `current` signs, all of them verify.

    From the day that `retires` has for a key (it begins at 0:00 UTC), the key verifies no more.

    Raises ValueError when a key cannot be used; the error names the key id, never the secret.
    """

    keys: Mapping[int, bytes] = field(repr=False)
    current: int
    retires: Mapping[int, date] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key_id, secret in self.keys.items():
            if not 1 <= key_id <= 255:
                raise ValueError(f"The id of a link key must be a number from 1 to 255, not {key_id}.")
            if not 32 <= len(secret) <= blake2b.MAX_KEY_SIZE:
                raise ValueError(f"The secret of link key {key_id} must have 32 to 64 bytes; it has {len(secret)}.")
        if self.current not in self.keys:
            raise ValueError(f"Link key {self.current} is to sign, but is not among the keys.")
        if self.current in self.retires:
            raise ValueError(
                f"Link key {self.current} is the first, which signs: put another before it to let it retire, "
                "or take its day away."
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64,id:base64@2027-01-31`: the first is current, a day behind `@` is the one it retires on.

        Raises ValueError without repeating any of the text.
        """
        keys: dict[int, bytes] = {}
        retires: dict[int, date] = {}
        for place, entry in enumerate(text.split(","), start=1):
            key, at, day = entry.strip().partition("@")
            key_id, secret = _parse_key(key, place)
            if key_id in keys:
                raise ValueError(f"Link key {key_id} is listed twice; give each key an id of its own.")
            keys[key_id] = secret
            if at:
                retires[key_id] = _parse_day(day, key_id)
        return cls(keys, current=next(iter(keys)), retires=retires)

    def is_retired(self, key_id: int, now: float) -> bool:
        """Whether the key's day has come; `now` in Unix seconds."""
        day = self.retires.get(key_id)
        return day is not None and datetime.fromtimestamp(now, UTC).date() >= day


def sign_open(link: Link, keyring: Keyring) -> str:
    """The token of a message's pixel. Raises ValueError for a link that is not a pixel."""
    return _sign(_without_target(link), keyring, _OPEN)


def sign_click(link: Link, keyring: Keyring) -> str:
    """The token of a link. Raises ValueError for a bad index or a target that `target_problem` refuses."""
    if not 1 <= link.index <= LAST_INDEX:
        raise ValueError(f"A link's index must be from 1 to {LAST_INDEX}, not {link.index}.")
    if problem := target_problem(link.url):
        raise ValueError(problem)
    return _sign(link, keyring, _CLICK)


def sign_unsubscribe(link: Link, keyring: Keyring) -> str:
    """The token with which a message's recipient unsubscribes. Raises ValueError for a link that has a target."""
    return _sign(_without_target(link), keyring, _UNSUBSCRIBE)


def read_open(token: str, keyring: Keyring, now: float) -> Link:
    """The pixel that `sign_open` signed; `now` in Unix seconds. Raises BadToken."""
    return _read(token, keyring, now, _OPEN)


def read_click(token: str, keyring: Keyring, now: float) -> Link:
    """The link that `sign_click` signed; `now` in Unix seconds. Raises BadToken, RetiredKey among them."""
    return _read(token, keyring, now, _CLICK)


def read_unsubscribe(token: str, keyring: Keyring, now: float) -> Link:
    """What `sign_unsubscribe` signed; `now` in Unix seconds. Raises BadToken, RetiredKey among them."""
    return _read(token, keyring, now, _UNSUBSCRIBE)


def contents(token: str) -> tuple[int, int, Link]:
    """Version, key id and link that a token claims to have, signed by us or not. Raises BadToken for what is none."""
    signed = _decode(token)
    version, key_id, account, message, index = _HEAD.unpack_from(signed)
    url = signed[_HEAD.size : -_MAC_SIZE].decode(errors="replace")
    return version, key_id, Link(account, UUID(bytes=message), index, url)


# Of each link of a mail it is asked twice: when it is found, and when it is signed.
@lru_cache(maxsize=256)
def target_problem(url: str) -> Sentence | None:
    """Why a tracked link may not lead to this URL, as a sentence for people; None when it may."""
    if len(url) > MAX_TARGET_LENGTH or len(url.encode(errors="replace")) > _MAX_TARGET_BYTES:
        words = gettext_noop("A link may have %(characters)d characters and %(bytes)d bytes at most.")
        return Sentence(words, characters=MAX_TARGET_LENGTH, bytes=_MAX_TARGET_BYTES)
    if _UNSAFE.search(url):
        return Sentence(
            gettext_noop("A link may not contain spaces, backslashes, control characters or broken Unicode.")
        )
    target = _TARGET.fullmatch(url)
    if target is None:
        return Sentence(gettext_noop("A link must start with http:// or https://."))
    if not target["authority"]:
        return Sentence(gettext_noop("A link must name a host."))
    if "@" in target["authority"]:
        return Sentence(gettext_noop("A link may not carry a user name or password."))
    try:
        _ascii_authority(target["authority"])
    except ValueError:
        words = gettext_noop(
            "A link must name a valid host (a domain name or an IP address) and, if any, a port up to 65535."
        )
        return Sentence(words)
    return None


def location_header(url: str) -> str:
    """The URL in printable ASCII (RFC 3986): host by IDNA (UTS 46), the rest percent-encoded as UTF-8, never twice."""
    if _HEADER_SAFE.fullmatch(url):
        return url
    target = _TARGET.fullmatch(url)
    if target is None:
        return _percent_encode(url)
    try:
        authority = _ascii_authority(target["authority"])
    except ValueError:
        authority = _percent_encode(target["authority"])
    return target["scheme"] + authority + _percent_encode(target["rest"])


def _parse_key(entry: str, place: int) -> tuple[int, bytes]:
    key_id, colon, secret = entry.partition(":")
    if not colon or not key_id.isascii() or not key_id.isdigit() or len(key_id) > 3:
        raise ValueError(f"Link key number {place} in the list must be written as id:base64, with an id from 1 to 255.")
    try:
        return int(key_id), base64.b64decode(secret.translate(_FROM_URL_SAFE), validate=True)
    except ValueError:
        raise ValueError(f"The secret of link key {int(key_id)} is not base64.") from None


def _parse_day(text: str, key_id: int) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise ValueError(f"The day on which link key {key_id} retires must be written like 2027-01-31.") from None


def _without_target(link: Link) -> Link:
    if link.index != 0 or link.url:
        raise ValueError("A pixel has index 0 and no target, and so has the link to unsubscribe.")
    return link


def _sign(link: Link, keyring: Keyring, purpose: bytes) -> str:
    if not 0 <= link.account <= LAST_ACCOUNT:
        raise ValueError(f"An account's number must be from 0 to {LAST_ACCOUNT}, not {link.account}.")
    head = _HEAD.pack(VERSION, keyring.current, link.account, link.message.bytes, link.index)
    content = head + link.url.encode()
    return _encode(content + _mac(content, keyring.keys[keyring.current], purpose))


def _read(token: str, keyring: Keyring, now: float, purpose: bytes) -> Link:
    signed = _decode(token)
    version, key_id, account, message, index = _HEAD.unpack_from(signed)
    if version != VERSION:
        raise BadToken("unknown version")
    secret = keyring.keys.get(key_id)
    if secret is None:
        raise BadToken("unknown key")
    if not compare_digest(_mac(signed[:-_MAC_SIZE], secret, purpose), signed[-_MAC_SIZE:]):
        raise BadToken("forged")
    if keyring.retires and keyring.is_retired(key_id, now):
        raise RetiredKey("retired key")
    return Link(account, UUID(bytes=message), index, signed[_HEAD.size : -_MAC_SIZE].decode())


def _mac(content: bytes, secret: bytes, purpose: bytes) -> bytes:
    return blake2b(content, digest_size=_MAC_SIZE, key=secret, person=purpose).digest()


def _encode(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode("ascii")


def _decode(token: str) -> bytes:
    if len(token) > MAX_TOKEN_LENGTH:
        raise BadToken("malformed")
    try:
        signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise BadToken("malformed") from None
    # The decoder skips foreign characters and spare bits; only the one spelling that we sign may pass.
    if len(signed) < _HEAD.size + _MAC_SIZE or _encode(signed) != token:
        raise BadToken("malformed")
    return signed


def _ascii_authority(authority: str) -> str:
    """Host and port for a Location header. Raises ValueError (idna's errors are ValueErrors, too)."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ValueError("not host:port")
    host, port = match["host"], match["port"] or ""
    if int(port[1:] or 0) > 0xFFFF:
        raise ValueError("port out of range")
    if host.startswith("["):
        ipaddress.IPv6Address(host[1:-1])
    elif not host.isascii():
        host = idna.encode(host, uts46=True).decode("ascii")
    if not host.startswith("[") and not _HOST_NAME.fullmatch(host):
        raise ValueError("not a host name")
    return host + port


def _percent_encode(text: str) -> str:
    return quote(text, safe=_PRINTABLE_ASCII, errors="replace")
