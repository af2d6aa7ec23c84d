"""The kinds of values that requests and answers are made of."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from ninja import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from api.cursors import BIGGEST

T = TypeVar("T")

MOST: Final = 1000
PAGE: Final = 100
# One that says what was under way, which are as many numbers as PostgreSQL has connections.
CURSOR_LONGEST: Final = 8000
# PostgreSQL holds every character but this one.
_NO_NUL: Final = r"^[^\x00]*$"


def _as_text(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise ValueError("has to be a text, such as 2026-11-26T19:02:00Z")
    return value


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("needs a time zone, such as 2026-11-26T19:02:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is a moment that no calendar has") from None


Text = Annotated[str, StringConstraints(pattern=_NO_NUL)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=2000)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$", max_length=200)]
Number = Annotated[int, Field(ge=1, le=BIGGEST, strict=True)]
Moment = Annotated[
    datetime,
    BeforeValidator(_as_text, json_schema_input_type=datetime),
    AfterValidator(_aware),
    PlainSerializer(
        lambda moment: moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), return_type=str
    ),
    Field(json_schema_extra={"format": "date-time"}),
]
Flag = Annotated[bool, Field(strict=True)]

# What stands in an address.
NumberInPath = Path[Annotated[int, Field(ge=1, le=BIGGEST)]]
IdInPath = Path[UUID]


class Given(BaseModel):
    """A part of a request: what it does not know is refused, so that a slip of the pen is told."""

    model_config = ConfigDict(extra="forbid")


class Asked(Given):
    """What can be said of any list."""

    cursor: str | None = Field(
        None, max_length=CURSOR_LONGEST, description="The `next` of the page before; without one, the first page."
    )
    size: int = Field(PAGE, ge=1, le=MOST, description="How many rows a page has at the most.")


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="The cursor of the page that follows; null at the end.")


def page_of(rows: Sequence[T], size: int, next: str) -> Page[T]:
    """A page with up to `size` of the rows; that there is another row says that there is another page."""
    return Page(items=list(rows[:size]), next=next if len(rows) > size else None)
