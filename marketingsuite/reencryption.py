"""Writing what is encrypted anew, with the newest key: in sets, each a statement, so it may end anywhere and go on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.db.models.functions import Cast

from feedbackloops.encryption import EncryptedTextField, renewed

AT_ONCE = 500


@dataclass(slots=True)
class Column:
    """A column that is encrypted, and what became of its texts. `unreadable`: rows that none of the keys can read."""

    model: type[models.Model]
    name: str
    written: int = 0
    kept: int = 0
    unreadable: list[Any] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"


def columns() -> list[Column]:
    """Every encrypted column of every app."""
    return [
        Column(model, each.name)
        for model in apps.get_models(include_auto_created=True)
        for each in model._meta.concrete_fields
        if isinstance(each, EncryptedTextField)
    ]


def reencrypt(column: Column) -> None:
    """Write what older keys wrote; a text that changes meanwhile is left as it then stands, as it is new already."""
    for rows in _sets(column):
        fresh = [(pk, old, new) for pk, old in rows if (new := _renewed(column, pk, old)) not in ("", old)]
        column.kept += len(rows) - len(fresh)
        if fresh:
            column.written += _write(column, fresh)
    column.kept -= len(column.unreadable)


def _sets(column: Column) -> Iterator[list[tuple[Any, str]]]:
    # As a plain text, the field does not decrypt it.
    stored = Cast(column.name, models.TextField())
    rows = column.model._base_manager.alias(stored=stored).exclude(stored="").exclude(stored=None).order_by("pk")
    last = None
    while found := list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", stored)[:AT_ONCE]):
        yield found
        last = found[-1][0]


def _renewed(column: Column, pk: Any, stored: str) -> str:
    try:
        return renewed(stored)
    except ImproperlyConfigured:
        column.unreadable.append(pk)
        return ""


def _write(column: Column, rows: list[tuple[Any, str, str]]) -> int:
    meta, quote = column.model._meta, connection.ops.quote_name
    key: Any = meta.pk
    value: Any = meta.get_field(column.name)
    statement = (
        f"UPDATE {quote(meta.db_table)} AS kept SET {quote(value.column)} = fresh.new"
        f" FROM unnest(%s::{key.db_type(connection)}[], %s::text[], %s::text[]) AS fresh (id, old, new)"
        f" WHERE kept.{quote(key.column)} = fresh.id AND kept.{quote(value.column)} = fresh.old"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(each) for each in zip(*rows, strict=True)])
        return int(cursor.rowcount)
