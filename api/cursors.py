"""Where the next page of a list begins: opaque to programs, and checked when it comes back. Pure."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final
from uuid import UUID

BIGGEST: Final = 2**63 - 1
_VERSION: Final = "1"


class BadCursor(ValueError):
    """A text that is no cursor of the list."""


def cursor(kind: str, *places: int | str | UUID) -> str:
    """The cursor of a list of this kind behind the row with these keys."""
    text = ":".join([_VERSION, kind, *(str(place) for place in places)])
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def number_in(kind: str, text: str) -> int:
    """The key of a list that goes by number. Raises BadCursor."""
    (place,) = places_in(kind, text, 1)
    return as_number(place)


def id_in(kind: str, text: str) -> UUID:
    """The key of a list that goes by id. Raises BadCursor."""
    (place,) = places_in(kind, text, 1)
    return as_id(place)


def position_in(kind: str, text: str) -> tuple[int, UUID]:
    """The keys of a list that goes by number and then by id. Raises BadCursor."""
    number, id = places_in(kind, text, 2)
    return as_number(number), as_id(id)


def places_in(kind: str, text: str, number: int) -> list[str]:
    """The keys of a list that goes by so many, as they stand there. Raises BadCursor."""
    try:
        decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (Error, ValueError):
        raise BadCursor from None
    version, _, rest = decoded.partition(":")
    said, *places = rest.split(":")
    if (version, said, len(places)) != (_VERSION, kind, number):
        raise BadCursor
    return places


def as_number(place: str) -> int:
    """One of the keys as a number. Raises BadCursor."""
    if not (place.isascii() and place.isdigit()) or len(place) > 19 or int(place) > BIGGEST:
        raise BadCursor
    return int(place)


def as_id(place: str) -> UUID:
    """One of the keys as an id. Raises BadCursor."""
    try:
        return UUID(place)
    except ValueError:
        raise BadCursor from None
