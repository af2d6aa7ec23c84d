"""Events in the order in which they were recorded, such that who reads on misses none of those that come late."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from tracking.models import Event
from tracking.positions import horizon

# So many are looked through for one page, whatever is asked for: the next one goes on behind them.
LOOKED_THROUGH: Final = 5000

# PostgreSQL reads the index of account, position and id from the place on.
_LOOKED: Final = """
SELECT position, id, type, {webhook} FROM tracking_event
WHERE account_id = %(account)s AND (position, id) > (%(number)s, %(id)s) AND position < %(horizon)s {narrower}
ORDER BY position, id LIMIT %(most)s
"""


class Place(NamedTuple):
    """A place in the order of recording: behind this event."""

    number: int
    id: UUID


BEGINNING: Final = Place(0, UUID(int=0))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events of an account; no types: all of them, no message or webhook: those of any, and of none."""

    account: int
    types: Collection[str] = ()
    message: UUID | None = None
    webhook: int | None = None

    @property
    def is_choosy(self) -> bool:
        """Whether events are looked through that are not wanted."""
        return bool(self.types or self.webhook)

    def has(self, type: str, webhook: str | None) -> bool:
        """Whether an event of this type, told by this webhook, is wanted."""
        return (not self.types or type in self.types) and (not self.webhook or webhook == str(self.webhook))


class Part(NamedTuple):
    """Events, the place behind them, and whether there are more to look at by now."""

    events: list[Event]
    place: Place
    has_more: bool


def events_after(place: Place, wanted: Wanted, size: int) -> Part:
    """Up to so many events that were recorded behind the place, the first recorded first."""
    most = LOOKED_THROUGH if wanted.is_choosy else size
    looked = _looked(place, wanted, most)
    found = [row for row in looked if wanted.has(row[2], row[3])]
    if len(found) > size:
        found = found[:size]
        return Part(_events(found), Place(*found[-1][:2]), True)
    last = Place(*looked[-1][:2]) if looked else place
    return Part(_events(found), last, len(looked) == most)


def _looked(place: Place, wanted: Wanted, most: int) -> list[tuple[Any, ...]]:
    narrower = "AND message_id = %(message)s" if wanted.message else ""
    # Mails are among the data: it is not read where nobody asks.
    webhook = "data->>'webhook'" if wanted.webhook else "NULL"
    values: dict[str, Any] = {
        "account": wanted.account,
        "number": place.number,
        "id": place.id,
        "horizon": horizon(),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOOKED.format(narrower=narrower, webhook=webhook), values | {"message": wanted.message})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _events(rows: list[tuple[Any, ...]]) -> list[Event]:
    found = Event.objects.select_related("message").in_bulk([row[1] for row in rows])
    # A day of the history may have been dropped in between.
    return [found[row[1]] for row in rows if row[1] in found]
