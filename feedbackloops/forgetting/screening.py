"""SQL that asks whether a text names a person: first in cheap ways, which find too much, then by the whole pattern."""

from collections.abc import Collection, Iterable
from typing import Final

from feedbackloops.forgetting.needles import screens
from feedbackloops.models import Forgetting

# Before the digits of one without dashes others may stand, of an escaped character.
_UUID: Final = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}(?![0-9a-f])"
# As bytes: else the language of the database would say what a small i is.
_LOWERED: Final = 'lower({text} COLLATE "C")'
_NAMES: Final = (
    f"CASE WHEN {_LOWERED} LIKE ANY(%(screens)s::text[]) OR EXISTS (SELECT"
    f" FROM regexp_matches({_LOWERED}, '{_UUID.replace('{', '{{').replace('}', '}}')}', 'g') AS found"
    " WHERE translate(found[1], '-', '') = ANY(%(ids)s::text[])) THEN {tests} ELSE false END"
)


def naming(*texts: str, patterns: Collection[str] = ("pattern",)) -> str:
    """SQL that is true where one of the texts (expressions) has one of the patterns (names of parameters).

    It needs the parameters of `screening` as well.
    """
    return " OR ".join(_naming(text, patterns) for text in texts) if patterns else "false"


def numbered(patterns: Iterable[str]) -> dict[str, str]:
    """Several patterns as parameters, each with a name."""
    return {f"pattern{number}": pattern for number, pattern in enumerate(patterns)}


def screening(order: Forgetting) -> dict[str, list[str]]:
    """The parameters that `naming` needs besides the patterns."""
    return {"screens": screens(order.addresses), "ids": [id.hex for id in order.messages]}


def _naming(text: str, patterns: Collection[str]) -> str:
    return _NAMES.format(text=text, tests=" OR ".join(f"{text} ~* %({pattern})s" for pattern in patterns))
