"""The messages whose opens and clicks are not to be seen, small enough to be kept whole in memory. Pure."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self
from uuid import UUID

# Of a UUIDv7 the last 64 bits but two are random (RFC 9562, 5.7): with ten million messages refused, one of 10**11
# others is taken for one of them.
_KEY: Final = (1 << 64) - 1
_LOOSE: Final = 10_000


def _none() -> "array[int]":
    return array("Q")


@dataclass(frozen=True, slots=True)
class Refused:
    """A set of messages: 8 bytes each, in order, and what has changed since they were put in order."""

    keys: "array[int]" = field(default_factory=_none)
    added: frozenset[int] = frozenset()
    removed: frozenset[int] = frozenset()

    def __contains__(self, message: UUID) -> bool:
        key = message.int & _KEY
        if key in self.added:
            return True
        place = bisect_left(self.keys, key)
        return place < len(self.keys) and self.keys[place] == key and key not in self.removed

    def __bool__(self) -> bool:
        return bool(self.keys or self.added)

    def changed(self, changes: Iterable[tuple[UUID, bool]]) -> Self:
        """With these messages, each with whether it is refused from now on."""
        added, removed = set(self.added), set(self.removed)
        for message, is_refused in changes:
            key = message.int & _KEY
            (removed if is_refused else added).discard(key)
            (added if is_refused else removed).add(key)
        if added == self.added and removed == self.removed:
            return self
        changed = type(self)(self.keys, frozenset(added), frozenset(removed))
        return changed if len(added) + len(removed) <= _LOOSE else changed.in_order()

    def in_order(self) -> Self:
        """The same set, ready to be written down as `keys`."""
        if not (self.added or self.removed):
            return self
        return type(self)(array("Q", sorted((set(self.keys) - self.removed) | self.added)))
