"""What a tracking URL is made of, for people who have one before them. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from tracking.hits import CLICK, OPEN, UNSUBSCRIBE
from tracking.tokens import (
    MAX_TOKEN_LENGTH,
    VERSION,
    BadToken,
    Keyring,
    Link,
    RetiredKey,
    contents,
    read_click,
    read_open,
    read_unsubscribe,
)

Reader = Callable[[str, Keyring, float], Link]

_READERS: Final[dict[str, Reader]] = {OPEN: read_open, CLICK: read_click, UNSUBSCRIBE: read_unsubscribe}
_KINDS: Final = {"o": OPEN, "c": CLICK, "u": UNSUBSCRIBE}
# The least that a token holds, 44 bytes, takes 59 characters.
_ADDRESS = re.compile(r"(?:https?://[^/]*)?/(?P<kind>[ocu])/(?P<token>[^/?#]*)(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{59,{MAX_TOKEN_LENGTH}}}=*")


class Fault(StrEnum):
    """Why a tracking URL does nothing.

    INCOMPLETE: it is no token: cut off, or mangled.
    VERSION: a version of tokens that we don't know.
    KEY: signed with a key that is not among ours.
    FORGED: our signature does not fit what it says.
    RETIRED: we signed it, with a key whose day is over.
    MISPLACED: signed for another purpose: a pixel's token at a link's address, say.
    """

    INCOMPLETE = "incomplete"
    VERSION = "version"
    KEY = "key"
    FORGED = "forged"
    RETIRED = "retired"
    MISPLACED = "misplaced"


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A tracking URL, taken apart; what can't be read of it is None.

    `kind` is what its address asks for (open, click or unsubscribe), "" for a bare token that nothing verifies.
    Without a `fault`, it is as we signed it.
    """

    kind: str
    fault: Fault | None = None
    version: int | None = None
    key: int | None = None
    link: Link | None = None
    # What it was signed for, where that is something else.
    meant: str = ""


def take_apart(text: str, keyring: Keyring, now: float) -> Anatomy | None:
    """The tracking URL (or a token alone) that somebody pasted, line breaks and all; None when it is none.

    `now` in Unix seconds.
    """
    pasted = re.sub(r"\s", "", text)
    if found := _ADDRESS.fullmatch(pasted):
        # A link of a mail program or a browser's address line may be percent-encoded.
        token = unquote(found["token"]).rstrip("=")
        return _taken_apart(_KINDS[found["kind"].lower()], token.removesuffix(".gif"), keyring, now)
    if _TOKEN.fullmatch(pasted):
        found_as = _taken_apart("", pasted.rstrip("="), keyring, now)
        return None if found_as.fault in (Fault.INCOMPLETE, Fault.VERSION) else found_as
    return None


def _taken_apart(kind: str, token: str, keyring: Keyring, now: float) -> Anatomy:
    try:
        version, key, link = contents(token)
    except BadToken:
        return _torn(kind, token)
    if version != VERSION:
        # What stands behind the number may be anything.
        return Anatomy(kind, Fault.VERSION, version)
    if key not in keyring.keys:
        return Anatomy(kind, Fault.KEY, version, key, link)
    meant, is_retired = _signed_for(token, keyring, now)
    fault = Fault.FORGED if not meant else Fault.RETIRED if is_retired else None
    if meant and kind and meant != kind:
        fault = Fault.MISPLACED
    return Anatomy(kind or meant, fault, version, key, link, meant if fault == Fault.MISPLACED else "")


def _torn(kind: str, token: str) -> Anatomy:
    """What can be read of a token whose end is missing in the middle of a byte."""
    try:
        version, key, link = contents(token[: len(token) // 4 * 4])
    except BadToken:
        return Anatomy(kind, Fault.INCOMPLETE)
    return (
        Anatomy(kind, Fault.INCOMPLETE, version, key, link) if version == VERSION else Anatomy(kind, Fault.INCOMPLETE)
    )


def _signed_for(token: str, keyring: Keyring, now: float) -> tuple[str, bool]:
    """What we signed it for, "" if we did not; and whether its key has retired."""
    for kind, reader in _READERS.items():
        try:
            reader(token, keyring, now)
        except RetiredKey:
            return kind, True
        except BadToken:
            continue
        return kind, False
    return "", False
