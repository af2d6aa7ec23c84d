"""The first bytes of an answer beside those that were expected, with all that is invisible made visible."""

from dataclasses import dataclass
from itertools import takewhile

from feedbackloops.protocol.challenge import plain

MOST_SHOWN = 160
"""Characters of an answer that are shown."""
_SIGNS = {"\n": "↵\n", "\t": "→\t"}


@dataclass(frozen=True, slots=True)
class Received:
    """An answer's first bytes as text: as far as they are those that were expected, and what comes then."""

    same: str
    other: str
    is_cut: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing came at all."""
        return not (self.same or self.other)


def compare(body: bytes, expected: bytes, *, truncated: bool) -> Received:
    """Compare what came with what should have come. What is forgiven (a BOM, a newline at the end) is left out."""
    content = plain(body)
    same = content[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(content, expected, strict=False)))]
    other = content[len(same) :].decode("utf-8", "backslashreplace")
    room = max(0, MOST_SHOWN - len(same))
    return Received(same.decode("utf-8", "replace"), visible(other[:room]), truncated or len(other) > room)


def visible(text: str) -> str:
    """Return the text with a sign or a code for each character that can't be seen, or turns others around."""
    return "".join(_SIGNS.get(each) or (each if each.isprintable() else _code(each)) for each in text)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
