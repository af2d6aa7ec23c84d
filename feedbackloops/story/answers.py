"""The bytes of a stranger's answer, so that people can look at them: as text where they are text, else as a dump."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Final

from django.utils.translation import gettext as _

from feedbackloops.outbound.calls import KEPT
from feedbackloops.protocol.outcome import shown

PER_LINE: Final = 16
# C0 and C1 controls but for tab, line feed and carriage return: no text has them.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TITLE = re.compile(r"<title[^>]*>(.*?)(?:</title|$)", re.IGNORECASE | re.DOTALL)
# A comment ends at the first `-->` and nowhere else: ways to split many comments would double with each.
_COMMENT = r"<!--(?:(?!-->).)*-->"
_HTML = re.compile(rf"\s*(?:{_COMMENT}\s*)*<(?:!doctype html|html|head|body|title)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """An answer's first bytes. `note` says what they are, where that is not plain."""

    text: str
    size: int
    is_binary: bool
    note: str = ""
    kept: int = KEPT

    @property
    def is_cut(self) -> bool:
        """Whether there may have been more than was kept."""
        return self.size >= self.kept


def answer_shown(answer: bytes | memoryview, kept: int = KEPT) -> AnswerShown:
    """What to show of an answer of which so many bytes are kept, whatever they are. The text is not escaped."""
    raw = bytes(answer)
    text, note = _as_text(raw, kept)
    if text is None:
        return AnswerShown(hex_dump(raw), len(raw), is_binary=True, note=_binary_note(raw), kept=kept)
    return AnswerShown(text, len(raw), is_binary=False, note=note or _html_note(text), kept=kept)


def hex_dump(raw: bytes) -> str:
    """Lines of an offset, sixteen bytes in hexadecimal, and what of them is printable ASCII."""
    lines = (raw[start : start + PER_LINE] for start in range(0, len(raw), PER_LINE))
    return "\n".join(f"{number * PER_LINE:04x}  {_hex(line):<49} {_ascii(line)}" for number, line in enumerate(lines))


def _as_text(raw: bytes, kept: int) -> tuple[str | None, str]:
    text = _utf8(raw, kept)
    if text is not None:
        return (None, "") if _CONTROLS.search(text) else (text, "")
    latin = raw.decode("cp1252", "replace")
    if "\ufffd" in latin or _CONTROLS.search(latin) or sum(byte > 127 for byte in raw) * 4 > len(raw):
        return None, ""
    return latin, _("Not UTF-8: read as Windows-1252.")


def _utf8(raw: bytes, kept: int) -> str | None:
    # The last character may have been cut in two.
    for end in range(len(raw), max(len(raw) - 4, -1), -1):
        try:
            return raw[:end].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if len(raw) < kept or error.start < end - 3:
                return None
    return None


def _binary_note(raw: bytes) -> str:
    if raw.startswith(b"\x1f\x8b"):
        return _("Compressed with gzip, although we did not ask for that.")
    return _("Not a text: shown byte by byte.")


def _html_note(text: str) -> str:
    if not _HTML.match(text):
        return ""
    title = shown(unescape(match[1]), 120) if (match := _TITLE.search(text)) else ""
    return _("A web page, titled “%(title)s”.") % {"title": title} if title else _("A web page.")


def _hex(line: bytes) -> str:
    return f"{line[:8].hex(' ')}  {line[8:].hex(' ')}".rstrip()


def _ascii(line: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
