"""Sentences for people whose values stand apart, so that whoever shows them can have them translated first."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text with places such as `%(host)s`, and what belongs there. As a string it is English, dates as in ISO."""

    text: str
    values: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return self.text % {name: _written(value) for name, value in self.values}


def sentence(text: str, **values: object) -> Sentence:
    """Make a sentence. Import it as `_`, so that the text is found by those who translate."""
    return Sentence(text, tuple(values.items()))


def _written(value: object) -> object:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else value
