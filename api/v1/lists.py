"""Pages of lists that go by their rows' numbers or ids."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from psycopg.errors import QueryCanceled

from api.cursors import BadCursor, cursor, id_in, number_in
from api.problems import Problem, invalid, not_found
from api.shapes import Asked, Page, page_of
from api.walks import Walk, page_of_walk, walk_in
from profiles.keeping import needing

PATIENCE_MS: Final = 10_000
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
    with _patience():
        found = list(rows.order_by("-pk")[: asked.size + 1])
    return _page(kind, found, asked, shape)


def by_recording(
    kind: str,
    rows: QuerySet[M],
    asked: Asked,
    shape: Callable[[M], T],
    key: Callable[[str], int | UUID],
    *,
    newest_first: bool = False,
) -> Page[T]:
    """A page of a list that grows while it is read (api.walks). Raises Problem for a cursor of another list."""
    walk = read(lambda kind, text: walk_in(kind, text, key), kind, asked.cursor) if asked.cursor else Walk()
    with _patience():
        return page_of_walk(kind, rows, asked, shape, walk, newest_first=newest_first)


@contextmanager
def _patience() -> Iterator[None]:
    """Ends what takes too long: what narrows rows may be so rare that PostgreSQL reads on and on. Raises Problem."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [PATIENCE_MS])
            yield
            return
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
    raise invalid([("query", "Finding that takes too long. Choose a loop as well, or a shorter stretch of time.")])


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


def delete_unneeded(row: Model) -> None:
    """Delete a row, locked for this transaction, on which nothing depends. Raises Problem, which names what does."""
    if models := list(needing(row)):
        names = " and ".join(str(model._meta.verbose_name_plural) for model in models)
        raise Problem(
            HTTPStatus.CONFLICT, f"There are {names} that need it. Remove these first, or have them do without."
        )
    row.delete()


def _page(kind: str, found: list[M], asked: Asked, shape: Callable[[M], T]) -> Page[T]:
    shapes = [shape(row) for row in found]
    last = found[min(asked.size, len(found)) - 1].pk if found else 0
    return page_of(shapes, asked.size, cursor(kind, last))
