"""SQL that asks whether a text names a person: first in cheap ways, which find too much, then by the whole pattern."""

from collections.abc import Sequence
from typing import Final

from feedbackloops.forgetting.needles import screens
from feedbackloops.models import Forgetting

# Hexadecimal digits may stand before it, of an escaped character.
_UUID: Final = "[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])"
# As bytes: else the language of the database would say what a small i is.
_LOWERED: Final = 'lower({text} COLLATE "C")'
_NAMES: Final = (
    f"CASE WHEN {_LOWERED} LIKE ANY(%(screens)s::text[]) OR EXISTS (SELECT"
    f" FROM regexp_matches({_LOWERED}, '{_UUID.replace('{', '{{').replace('}', '}}')}', 'g') AS found"
    " WHERE translate(found[1], '-', '') = ANY(%(ids)s::text[])) THEN {tests} ELSE false END"
)


def names(text: str, patterns: Sequence[str] = ("pattern",)) -> str:
    """SQL that is true for a text which has one of the patterns (names of parameters); with `screening`."""
    tests = " OR ".join(f"{text} ~* %({pattern})s" for pattern in patterns)
    return _NAMES.format(text=text, tests=tests)


def any_names(*texts: str) -> str:
    """The same of any of these texts, by the parameter `pattern`."""
    return " OR ".join(names(text) for text in texts)


def screening(order: Forgetting) -> dict[str, list[str]]:
    """The parameters that `names` needs besides the patterns."""
    return {"screens": screens(order.addresses), "ids": [id.hex for id in order.messages]}
