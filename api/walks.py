"""Lists that grow while they are read, such that who reads to the end has been told of every row that is there then.

A list is read in rounds. The first has what was there when it began, however many pages that takes; rows whose
transactions commit meanwhile are in none of its pages, wherever in the order they stand. The next round has what was
committed during the one before, and so on, until one is a single page: then nothing has come that was not told. Each
row is told once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from api.cursors import BIGGEST, BadCursor, as_number, cursor, places_in
from api.shapes import Asked, Page
from tracking.positions import NOTHING, Sight, sight

M = TypeVar("M", bound=Model)
T = TypeVar("T")

_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a list was read: what was told by the rounds before, what this one tells, and behind which row it is.

    A round that has no page yet begins when its first one is asked for.
    """

    before: Sight = NOTHING
    round: Sight | None = None
    behind: tuple[int, int | UUID] | None = None


def page_of_walk(
    kind: str, rows: QuerySet[M], asked: Asked, shape: Callable[[M], T], walk: Walk, *, newest_first: bool = False
) -> Page[T]:
    """The page of the list that follows; its rows have a `position`, by which an index finds them."""
    begins, this = walk.round is None, walk.round or sight()
    part = rows.filter(walk.before.unseen, this.seen)
    if walk.behind:
        lookup: Any = TupleLessThan if newest_first else TupleGreaterThan
        part = part.filter(lookup(Tuple(F("position"), F("pk")), walk.behind))
    order = ("-position", "-pk") if newest_first else ("position", "pk")
    found: list[Any] = list(part.order_by(*order)[: asked.size + 1])
    items = [shape(row) for row in found[: asked.size]]
    if len(found) > asked.size:
        last = found[asked.size - 1]
        return Page(items=items, next=_cursor(kind, replace(walk, round=this, behind=(last.position, last.pk))))
    goes_on = not begins and rows.filter(this.unseen).exists()
    return Page(items=items, next=_cursor(kind, Walk(before=this)) if goes_on else None)


def walk_in(kind: str, text: str, key: Callable[[str], int | UUID]) -> Walk:
    """What a cursor of such a list says, whose rows have keys that `key` reads. Raises BadCursor."""
    before, this, position, last = places_in(kind, text, _PARTS)
    if not this:
        return Walk(_sight(before))
    return Walk(_sight(before), _sight(this), (as_number(position), key(last)))


def _cursor(kind: str, walk: Walk) -> str:
    position, key = walk.behind or ("", "")
    return cursor(kind, _text(walk.before), _text(walk.round) if walk.round else "", position, key)


def _text(seen: Sight) -> str:
    # What is under way has numbers that lie close together: an address is only so long.
    return "-".join(str(each) for each in (seen.low, *(number - seen.low for number in (seen.high, *seen.under_way))))


def _sight(text: str) -> Sight:
    low, *others = [as_number(each) for each in text.split("-")]
    if not others:
        raise BadCursor
    high, *under_way = [min(low + each, BIGGEST) for each in others]
    return Sight(low, high, tuple(under_way))
