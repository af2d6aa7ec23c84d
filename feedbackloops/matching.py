"""Which loops want an event: pure rules over what the loops ask for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """What one loop asks for; no databases means that it is not limited to any.

    `people_only`: nothing that a machine did.
    """

    loop: int
    account: int
    event_types: frozenset[str]
    databases: frozenset[int] = frozenset()
    people_only: bool = False

    def covers(self, event_type: str, database: int | None, *, by_machine: bool = False) -> bool:
        """Whether an event of this type, about a profile in this database (None: no profile), is asked for."""
        if by_machine and self.people_only:
            return False
        return event_type in self.event_types and (not self.databases or database in self.databases)


class Wishes:
    """The wishes of some accounts, by account: an event is only ever held against its own account's."""

    def __init__(self, wishes: Iterable[Wish]) -> None:
        self._by_account: dict[int, list[Wish]] = {}
        for wish in wishes:
            self._by_account.setdefault(wish.account, []).append(wish)

    def loops_for(
        self, account: int, event_type: str, database: int | None, *, by_machine: bool = False
    ) -> Sequence[int]:
        """The loops that want the event, in no promised order."""
        wishes = self._by_account.get(account, ())
        return [wish.loop for wish in wishes if wish.covers(event_type, database, by_machine=by_machine)]
