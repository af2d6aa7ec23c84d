"""What a script gets of a delivery, in a way that people can read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from feedbackloops.models import BodyFormat
from feedbackloops.protocol import payload
from feedbackloops.protocol.narrowing import Narrowing

MOST_OF_RAW: Final = 32 * 1024
MOST_OF_VALUE: Final = 2000
MOST_ROWS: Final = 500


class Row(NamedTuple):
    """A name and its value as the script reads them; `more` counts the characters that are left out."""

    name: str
    value: str
    more: int


@dataclass(frozen=True, slots=True)
class BodyShown:
    """A body: the bytes as text, and what the script reads of them. `more_rows` and `more` count what is left out.

    `left_out`: what its format can't carry; `narrowed`: what the loop leaves out.
    """

    is_form: bool
    size: int
    raw: str
    more: int
    rows: list[Row]
    more_rows: int
    left_out: list[str]
    narrowed: list[str]


def body_shown(
    body: bytes, fields: Mapping[str, Any], body_format: str, narrowing: Narrowing | None = None
) -> BodyShown:
    """What to show of a body that was written of these fields, as far as the narrowing lets them."""
    narrowed = narrowing.removed(fields) if narrowing else []
    sent = narrowing.narrowed(fields) if narrowing else fields
    is_form = body_format != BodyFormat.JSON
    rows = list(_form_rows(body) if is_form else _json_rows(json.loads(body)))
    raw = body[:MOST_OF_RAW].decode("utf-8", "ignore")
    return BodyShown(
        is_form,
        len(body),
        raw,
        max(0, len(body) - MOST_OF_RAW),
        [_row(name, value) for name, value in rows[:MOST_ROWS]],
        max(0, len(rows) - MOST_ROWS),
        left_out(sent, body_format),
        narrowed,
    )


def readable_body(fields: Mapping[str, Any], body_format: str) -> str:
    """The body as it would be sent, decoded again. Raises TypeError for a value that can't be sent."""
    if body_format == BodyFormat.JSON:
        return json.dumps(json.loads(payload.json_body(fields)), ensure_ascii=False, indent=2)
    return "\n".join(f"{name} = {value}" for name, value in _form_rows(payload.form(fields)))


def left_out(fields: Mapping[str, Any], body_format: str) -> list[str]:
    """What is known and not in the body: names that a form can't carry, and lists and maps with nothing in them."""
    if body_format == BodyFormat.JSON:
        return []
    maps = {name: value for name, value in fields.items() if isinstance(value, dict)}
    unholdable = [f"{name}[{key}]" for name, value in maps.items() for key in payload.unholdable(value)]
    return [*unholdable, *(f"{name} (empty)" for name, value in fields.items() if value in ([], {}))]


def _form_rows(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True)


def _json_rows(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", str(single)) for key, single in value.items())
        elif isinstance(value, list):
            yield from ((f"{name}[{number}]", str(single)) for number, single in enumerate(value))
        else:
            yield name, str(value)


def _row(name: str, value: str) -> Row:
    return Row(name, value[:MOST_OF_VALUE], max(0, len(value) - MOST_OF_VALUE))
