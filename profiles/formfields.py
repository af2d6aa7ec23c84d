"""A profile's fields and interests as text that people edit: nothing is lost on the way there and back."""

import json
import re
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from profiles.models import validate_fields, validate_interests

M = TypeVar("M", bound=Model)

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


FIELDS_HELP = _('Names and values, such as {"firstname": "Ann", "city": "Utrecht"}. Every value is a text, in quotes.')
LONGEST_NUMBER = 18


def textarea(rows: int) -> Any:
    """Where JSON and lists are typed."""
    return UnfoldAdminTextareaWidget(attrs={"rows": rows, "spellcheck": "false"})


def number_or_fields(rows: QuerySet[M], term: str) -> QuerySet[M]:
    """Those of the rows that a search means: by their number, else by what their fields hold."""
    found = Q(as_text__icontains=term)
    if term.isascii() and term.isdigit() and len(term) <= LONGEST_NUMBER:
        found |= Q(pk=int(term))
    searched: QuerySet[M] = rows.alias(as_text=Cast(F("fields"), TextField())).filter(found)  # type: ignore[assignment]
    return searched


class FieldsField(forms.CharField):
    """A map of names and texts, edited as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value or {}, ensure_ascii=False, indent=2)

    def to_python(self, value: Any) -> Any:
        """The map. Raises ValidationError that says where the text stops to be JSON."""
        text = "" if value is None else str(value)
        fields = _read_json(text, object_pairs_hook=_without_repeats) if text.strip() else {}
        validate_fields(fields)
        return fields


class InterestsField(forms.CharField):
    """A list of texts, edited with one on each line; as a list in JSON where a line could not hold one of them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        interests = list(value or [])
        return "\n".join(interests) if _fit_on_lines(interests) else json.dumps(interests, ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        """The list. Raises ValidationError."""
        text = "" if value is None else str(value)
        interests = _read_json(text) if text.lstrip().startswith("[") else _lines(text)
        validate_interests(interests)
        return interests


class OriginField(forms.CharField):
    """Scheme and host of a URL; a last slash, which browsers add when it is copied, is dropped."""

    def to_python(self, value: Any) -> Any:
        """The text without white space and last slash around it."""
        return str(super().to_python(value)).removesuffix("/")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in _LINE_BREAK.split(text) if line.strip()]


def _fit_on_lines(interests: list[str]) -> bool:
    text = "\n".join(interests)
    return not text.startswith("[") and _lines(text) == interests


def _read_json(text: str, **options: Any) -> Any:
    try:
        return json.loads(text, **options)
    except json.JSONDecodeError as error:
        words = _(
            "This can't be read from line %(line)d, character %(place)d on (%(problem)s). "
            'Put names and values between double quotes, and a comma after each but the last: {"name": "value"}.'
        )
        told = {"line": error.lineno, "place": error.colno, "problem": error.msg}
        raise ValidationError(words, params=told) from error
    except ValueError as error:
        # Python reads no number of more than 4300 digits.
        raise ValidationError(_("A number in this is too long. Put values in quotes.")) from error
    except RecursionError as error:
        raise ValidationError(_("This has too many brackets within brackets.")) from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValidationError(_("The field %(name)r is there twice; leave one of them out."), params={"name": name})
        fields[name] = value
    return fields
