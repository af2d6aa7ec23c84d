"""Sentences for people that are made without Django, and said in a reader's language later."""

from typing import Any


def gettext_noop(text: str) -> str:
    """The text itself: it is only marked, for those who collect what is to be translated."""
    return text


def ngettext_lazy(one: str, many: str) -> tuple[str, str]:
    """The pattern for one and the one for all other numbers, marked together; the number chooses between them later."""
    return one, many


class Sentence(str):
    """An English text that knows its pattern (as for `%`, with names) and what was put into it.

    With `plural`, the pattern of all numbers but one, `count` among the values chooses between the two.
    `profiles.saying.said()` says it in another language. Values may be sentences.
    """

    __slots__ = ("pattern", "plural", "values")

    def __new__(cls, pattern: str, plural: str = "", **values: Any) -> "Sentence":
        chosen = plural if plural and values["count"] != 1 else pattern
        sentence = super().__new__(cls, chosen % values if values else chosen)
        sentence.pattern, sentence.plural, sentence.values = pattern, plural, values
        return sentence

    pattern: str
    plural: str
    values: dict[str, Any]
