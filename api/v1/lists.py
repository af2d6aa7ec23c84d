"""Pages of lists that go by their rows' numbers or ids."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from api.cursors import BadCursor, cursor, id_in, number_in
from api.problems import Problem, not_found
from api.shapes import Asked, Page, page_of

M = TypeVar("M", bound=Model)
T = TypeVar("T")


def by_number(kind: str, rows: QuerySet[M], asked: Asked, shape: Callable[[M], T]) -> Page[T]:
    """A page of rows, the oldest first. Raises Problem for a cursor of another list."""
    if asked.cursor:
        rows = rows.filter(pk__gt=read(number_in, kind, asked.cursor))
    found = list(rows.order_by("pk")[: asked.size + 1])
    return _page(kind, found, asked, shape)


def by_id(kind: str, rows: QuerySet[M], asked: Asked, shape: Callable[[M], T]) -> Page[T]:
    """A page of rows of the history, the newest first. Raises Problem for a cursor of another list."""
    if asked.cursor:
        rows = rows.filter(pk__lt=read(id_in, kind, asked.cursor))
    found = list(rows.order_by("-pk")[: asked.size + 1])
    return _page(kind, found, asked, shape)


def read(reader: Callable[[str, str], T], kind: str, text: str) -> T:
    """What the cursor says. Raises Problem."""
    try:
        return reader(kind, text)
    except BadCursor:
        words = "This is no cursor of this list. Take the `next` of a page of it, or begin without one."
        raise Problem(HTTPStatus.BAD_REQUEST, words, [("query.cursor", words)]) from None


def the(rows: QuerySet[M], pk: Any) -> M:
    """The row with this key. Raises Problem where these rows have none."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise not_found()
    return found


def _page(kind: str, found: list[M], asked: Asked, shape: Callable[[M], T]) -> Page[T]:
    shapes = [shape(row) for row in found]
    last = found[min(asked.size, len(found)) - 1].pk if found else 0
    return page_of(shapes, asked.size, cursor(kind, last))
