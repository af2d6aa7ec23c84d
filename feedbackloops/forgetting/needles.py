"""What to look for in texts where a person may be named. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote
from uuid import UUID

AT_ONCE: Final = 500
# Not the end of a longer address: but a line break of JSON and an escaped character of a URL may stand before it.
_BEFORE: Final = r"(?:(?<![a-z0-9._+-])|(?<=\\[nrt])|(?<=%[0-9a-f][0-9a-f]))"
_AFTER: Final = r"(?![a-z0-9-]|\.[a-z0-9])"


def patterns(addresses: Iterable[str], ids: Iterable[UUID] = ()) -> Iterator[str]:
    """Regular expressions that find the addresses and ids in a text, as they stand there or as a form body has them.

    As both PostgreSQL (9.7.3) and Python read them, whatever the case of letters; a few hundred words in each.
    """
    written = {form for address in addresses for form in (address, quote(address, safe=""), quote(address, safe="@"))}
    words = [f"{_BEFORE}{_escaped(word)}{_AFTER}" for word in sorted(written) if word]
    words += [form for id in ids for form in (str(id), id.hex)]
    for start in range(0, len(words), AT_ONCE):
        yield "(?:" + "|".join(words[start : start + AT_ONCE]) + ")"


def names(patterns: Iterable[str], text: str) -> bool:
    """Whether the text has one of them."""
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def _escaped(word: str) -> str:
    return re.sub(r"([^\w@-])", r"\\\1", word)
