"""Saying what was made without Django in the language of whoever reads it."""

from django.utils.translation import gettext, ngettext

from profiles.sentences import Sentence


def said(text: str) -> str:
    """The sentence in the language that is active; a text that is no sentence as it is."""
    if not isinstance(text, Sentence):
        return text
    values = {name: said(value) if isinstance(value, str) else value for name, value in text.values.items()}
    if text.plural:
        return ngettext(text.pattern, text.plural, text.values["count"]) % values
    words = gettext(text.pattern)
    return words % values if values else words
