"""PostgreSQL reads the arrays back as they were."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking import arrays
from tracking.statements import run

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read_back(kind: str, literal: str) -> list[Any]:
    [(values,)] = run(f"SELECT %(literal)s::{kind}[]", literal=literal)
    read: list[Any] = values
    return read


@pytest.mark.parametrize(
    ("write", "kind", "values"),
    [
        (arrays.numbers, "bigint", [0, -1, 2**62]),
        (arrays.numbers, "float8", [0.1, 1e-9, 12345.678, float("inf")]),
        (arrays.words, "text", ["open", "given_up"]),
        (arrays.ids, "uuid", [UUID(int=0), uuid4(), None]),
        (arrays.texts, "text", ["", "null", "NULL", 'a "quoted" one', "back\\slash", "{a,b}", " x ", "línea\n\tzwei"]),
        (arrays.octets, "bytea", [b"", b"\0\xff", b"plain"]),
        (arrays.moments, "timestamptz", [datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(microseconds=1)]),
        (arrays.texts, "text", []),
    ],
)
def test_postgres_reads_what_was_written(write: Callable[[Any], str], kind: str, values: Sequence[Any]) -> None:
    assert read_back(kind, write(values)) == values


@given(st.lists(TEXT))
def test_any_texts_are_read_back(texts: list[str]) -> None:
    assert read_back("text", arrays.texts(texts)) == texts
