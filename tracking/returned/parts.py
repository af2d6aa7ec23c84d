"""A mail's parts and headers, whatever bytes they are made of. Pure."""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    Mail = Message[Any, Any]
else:
    Mail = Message

MOST_PARTS: Final = 100
LONGEST_TEXT: Final = 200_000
# What a report says stands at its beginning; the parser's time grows with the lines, times how deep the parts are.
_MOST_BYTES: Final = 1_000_000
_MOST_LINES: Final = 10_000
_MOST_BLOCKS: Final = 200
_MOST_HEADERS: Final = 100
_LONGEST_HEADER: Final = 10_000
_LONGEST_PARAMETERS: Final = 1_000
_RETURNED: Final = ("message/rfc822", "message/global")
_RETURNED_HEADERS: Final = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
_FROM_LINE = re.compile(rb"\A>?From [^\r\n]*\r?\n")
_SPACE = re.compile(r"\s+")
_ESCAPED = re.compile("[\udc80-\udcff]")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


class _ShortHeaders(Compat32):
    """Cuts headers longer than any mail needs: to read one takes time that grows with the square of its length."""

    def header_source_parse(self, sourcelines: Iterable[str]) -> tuple[str, str]:
        """Name and value of a header."""
        name, value = super().header_source_parse([*sourcelines])
        return name, value[: _LONGEST_PARAMETERS if name.lower().startswith("content-") else _LONGEST_HEADER]


def parsed(raw: bytes) -> Mail:
    """The mail, as much of it as is read; the line `From …` that some servers put before it is no part of it."""
    lines = _FROM_LINE.sub(b"", raw[:_MOST_BYTES], count=1).splitlines(keepends=True)
    return BytesParser(policy=_ShortHeaders()).parsebytes(b"".join(lines[:_MOST_LINES]))


def header(mail: Mail, name: str) -> str:
    """A header in one line, decoded (RFC 2047); "" where it is missing."""
    return next(iter(headers(mail, name)), "")


def headers(mail: Mail, name: str) -> list[str]:
    """All headers of this name, as `header` has them."""
    return [_line(str(value)) for each, value in mail.raw_items() if each.lower() == name.lower()]


def _line(value: str) -> str:
    # What is not as RFC 2047 has it stays as it came.
    with suppress(ValueError, LookupError, TypeError, HeaderParseError):
        value = _undamaged(value)
        value = str(make_header(decode_header(value)))
    # An encoding may have been one of Python's own, which makes halves of characters.
    whole = value.replace("\0", "").encode("utf-8", "replace").decode()
    return _SPACE.sub(" ", whole).strip()


def _undamaged(text: str) -> str:
    """What the parser has read as ASCII, with the bytes that were none."""
    return text if text.isascii() or not _ESCAPED.search(text) else _guessed(text.encode("utf-8", "surrogateescape"))


def _guessed(raw: bytes) -> str:
    """Text of which nothing says how it is encoded: as UTF-8 (RFC 6532, 6533), else as old servers write."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("windows-1252", "replace")


def addresses(mail: Mail, name: str) -> list[str]:
    """The addresses in the headers of this name, each without its display name."""
    return [address for _, address in getaddresses(headers(mail, name)[:_MOST_HEADERS]) if "@" in address]


def moment(text: str) -> datetime | None:
    """A date of a header (RFC 5322, 3.3), aware; None for what is none."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def own_parts(mail: Mail) -> list[Mail]:
    """The mail and its parts in their order, without those of a mail that is returned in it."""
    found: list[Mail] = []
    waiting = [mail]
    while waiting and len(found) < MOST_PARTS:
        part = waiting.pop(0)
        found.append(part)
        payload: Any = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting[:0] = payload
    return found


def part_of_type(mail: Mail, *types: str) -> Mail | None:
    """The first of its own parts of one of these types."""
    return next((part for part in own_parts(mail) if part.get_content_type() in types), None)


def returned(mail: Mail) -> Mail | None:
    """The mail that is sent back in this one, or its headers; None where there is none."""
    for part in own_parts(mail):
        payload: Any = part.get_payload()
        if part.get_content_type() in _RETURNED and isinstance(payload, list) and payload:
            first: Mail = payload[0]
            return first
        if part.get_content_type() in (*_RETURNED, *_RETURNED_HEADERS):
            return HeaderParser().parsestr(text_of(part).lstrip())
    return None


def text_of(part: Mail) -> str:
    """What the part says, decoded as well as can be."""
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        # What stands in a message/… is parsed whatever its encoding says.
        text = "\n\n".join(_guessed(each.as_bytes()).strip("\n") for each in payload[:_MOST_BLOCKS])
        return _undone(text, part)[:LONGEST_TEXT]
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else str(payload).encode("utf-8", "replace")
    return _decoded(raw[: LONGEST_TEXT * 4], part.get_content_charset())[:LONGEST_TEXT]


def _undone(text: str, part: Mail) -> str:
    if header(part, "Content-Transfer-Encoding").lower() not in ("base64", "quoted-printable"):
        return text
    plain: Mail = Message()
    plain["Content-Transfer-Encoding"] = header(part, "Content-Transfer-Encoding")
    plain.set_payload(text)
    content = plain.get_payload(decode=True)
    return _decoded(content, None) if isinstance(content, bytes) else text


def _decoded(raw: bytes, charset: str | None) -> str:
    with suppress(LookupError, ValueError):
        if charset:
            return raw.decode(charset, "replace").replace("\r\n", "\n")
    return _guessed(raw).replace("\r\n", "\n")


def blocks(part: Mail) -> list[Mail]:
    """The groups of fields that a report consists of, with an empty line between each (RFC 3464, 2.1)."""
    texts = [text.strip("\n") for text in _BLANK_LINE.split(text_of(part))]
    return [HeaderParser().parsestr(text) for text in texts[:_MOST_BLOCKS] if text.strip()]


def plain_text(mail: Mail) -> str:
    """What a person reads of the mail, without what is returned in it."""
    texts = [text_of(part) for part in own_parts(mail) if part.get_content_type() == "text/plain"]
    return "\n".join(texts)[:LONGEST_TEXT]
