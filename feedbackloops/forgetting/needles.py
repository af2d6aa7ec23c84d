"""What to look for in texts where a person may be named. Pure."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from unicodedata import normalize
from urllib.parse import quote
from uuid import UUID

# Words in a pattern; an address has about ten.
AT_ONCE: Final = 500
_ADDRESSES_AT_ONCE: Final = 50
# The end of a character that is escaped: in JSON and JavaScript, a URL, a bytea's escape format, quoted-printable.
_ESCAPES: Final = (
    r"\\[nrtbf]",
    r"%[0-9a-f][0-9a-f]",
    r"\\[0-7][0-7][0-7]",
    r"\\u[0-9a-f][0-9a-f][0-9a-f][0-9a-f]",
    r"\\x[0-9a-f][0-9a-f]",
    r"=3c",
    r"=22",
    r"=a0",
)
# Not the end of a longer address, which a letter or digit would be, or one with a joint behind it.
_BEFORE: Final = (
    r"(?:(?<![a-z0-9])(?<![a-z0-9][._+-])|"
    + "|".join(f"(?<={escape})|(?<={escape}[._+-])" for escape in _ESCAPES)
    + ")"
)
_AFTER: Final = r"(?![a-z0-9]|[.-][a-z0-9])"
_AT: Final = r"(?:@|%40|\\+u0040|\\+x40|&#64;|&#x40;|&commat;|=40)"


def patterns(addresses: Iterable[str], ids: Iterable[UUID] = ()) -> Iterator[str]:
    """Regular expressions that find the addresses and ids in a text, as they stand there or escaped in the ways of
    form bodies, JSON, HTML and PostgreSQL's "escape" of a bytea, rather once too often.

    As both PostgreSQL (9.7.3) and Python read them, whatever the case of letters; a few hundred words in each.
    """
    words = [_address(address) for address in sorted(set(addresses)) if address]
    forms = [form for id in ids for form in (str(id), id.hex)]
    first = AT_ONCE if not words else AT_ONCE // 2
    while words or forms:
        yield "(?:" + "|".join(words[:_ADDRESSES_AT_ONCE] + forms[:first]) + ")"
        words, forms = words[_ADDRESSES_AT_ONCE:], forms[first:]


def screens(addresses: Iterable[str]) -> list[str]:
    """Patterns of LIKE (PostgreSQL, 9.7.1): each text that `patterns` finds by an address has one, in lower case.

    Plain letters and digits stay what they are, however the rest is escaped.
    """
    # With what stands above or below it, a letter is not plain.
    runs = (re.findall(r"[a-z0-9]+(?![\u0300-\u036f])", normalize("NFD", address).lower()) for address in addresses)
    return sorted({f"%{'%'.join(each)}%" for each in runs if each})


def names(patterns: Iterable[str], text: str) -> bool:
    """Whether the text has one of them."""
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def _address(address: str) -> str:
    written = sorted(set(_written(address)))
    # Where the @ is escaped as a form does it, a + is a space.
    after_space = sorted({_escaped(quote(each, safe="")) for each in _spelled(address)})
    return f"{_BEFORE}(?:{'|'.join(written)}){_AFTER}|(?<=[+])(?:{'|'.join(after_space)}){_AFTER}"


def _written(address: str) -> Iterator[str]:
    for spelled in _spelled(address):
        utf8 = spelled.encode(errors="replace")
        latin = spelled.encode("latin-1", errors="replace")
        forms = {spelled, utf8.decode("latin-1"), _octal(utf8), _octal(latin), json.dumps(spelled)[1:-1]}
        forms |= {html.escape(spelled), quote(spelled, safe="@")}
        yield from (_escaped(form).replace("@", _AT) for form in forms if form)


def _spelled(address: str) -> set[str]:
    """With other letters for the same: a search that ignores case does not know them where they are escaped."""
    if address.isascii():
        return {address}
    large = "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in address)
    return {normalize(form, each) for form in ("NFC", "NFD") for each in (address, large)} | _in_ascii(address)


def _in_ascii(address: str) -> set[str]:
    local, at, domain = address.rpartition("@")
    try:
        return {f"{local}{at}{domain.encode('idna').decode('ascii')}"}
    except UnicodeError:
        return set()


def _octal(octets: bytes) -> str:
    return "".join(chr(octet) if octet < 128 else f"\\{octet:03o}" for octet in octets)


def _escaped(word: str) -> str:
    """As a regular expression; of a backslash there may be more, since each further escape doubles it."""
    shown = "".join(each if each.isalnum() or each in "@-_" or ord(each) > 127 else f"\\{each}" for each in word)
    return re.sub(r"(?:\\\\)+", r"\\\\+", shown)
