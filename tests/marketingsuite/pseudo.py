"""A language of its own, in which ⟦every text that is marked for translation stands in brackets⟧."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Final

from django.utils import translation
from django.utils.translation import trans_real

LANGUAGE: Final = "xa"
OPEN, CLOSE = "⟦", "⟧"
# What is read to people though it stands in no text of the page.
READ: Final[tuple[str, ...]] = ("title", "alt", "aria-label", "aria-description", "placeholder", "label")
# Names of icons, which the theme draws as pictures.
ICON: Final = "material-symbols-outlined"
# Permissions, in Django's own words.
PERMISSIONS: Final = {"id_permissions", "id_user_permissions"}
SILENT: Final = {"script", "style", "code", "pre", "template", "textarea", "kbd", "samp"}
EMPTY: Final = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
WORD: Final = re.compile(r"[^\W\d_]{2,}")


class Pseudo(trans_real.DjangoTranslation):
    """The catalogue that has every text, whoever marked it, in the English that it was marked in."""

    def __init__(self) -> None:
        super().__init__("en")

    def to_language(self) -> str:
        return LANGUAGE

    def gettext(self, message: str) -> str:
        text = message.rpartition(trans_real.CONTEXT_SEPARATOR)[2]
        return f"{OPEN}{text}{CLOSE}" if WORD.search(text) else text

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Texts that are marked come in brackets, for the length of the block."""
    trans_real._translations[LANGUAGE] = Pseudo()  # type: ignore[attr-defined]
    try:
        with translation.override(LANGUAGE):
            yield
    finally:
        del trans_real._translations[LANGUAGE]  # type: ignore[attr-defined]


class Visible(HTMLParser):
    """What somebody reads or hears of a page, text by text, without what stands in brackets."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._depth, self._silent = 0, 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if not self._silent:
            self._take_attributes(tag, given)
        silent = tag in SILENT or ICON in given.get("class", "") or given.get("id") in PERMISSIONS
        if tag not in EMPTY and (silent or self._silent):
            self._silent += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._silent:
            self._take_attributes(tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag not in EMPTY:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        outside = ""
        for piece in re.split(f"([{OPEN}{CLOSE}])", data):
            if piece in (OPEN, CLOSE):
                self._depth = max(0, self._depth + (1 if piece == OPEN else -1))
                outside += "\n"
            elif not self._depth:
                outside += piece
        self.texts.append(outside)

    def _take_attributes(self, tag: str, given: dict[str, str]) -> None:
        names = [name for name in READ if name in given]
        if tag == "input" and given.get("type") in ("submit", "button", "reset"):
            names.append("value")
        self.texts += [without_marked(given[name]) for name in names]


def without_marked(text: str) -> str:
    """The text without what stands in brackets."""
    while (shorter := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "\n", text)) != text:
        text = shorter
    return text


def unmarked(html: str, data: re.Pattern[str]) -> list[str]:
    """The words of a page that no translator could reach, apart from what `data` matches."""
    lines = (line for text in Visible(html).texts for line in data.sub(" ", text).split("\n"))
    return [" ".join(line.split()) for line in lines if WORD.search(line)]


def any_of(texts: Iterable[str], pattern: str) -> re.Pattern[str]:
    """What matches the pattern, and each of these texts as whole words, the longest first."""
    longest = sorted({each for each in texts if len(each) > 1}, key=len, reverse=True)
    return re.compile(rf"{pattern}|(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
