"""Ids whose order is the order of time: UUIDv7 (RFC 9562, section 5.7), new ones and such as follow from others."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_FREE_BITS = ((1 << 12) - 1) << 64 | ((1 << 62) - 1)


def new_id() -> UUID:
    """A new id of this instant."""
    return uuid7()


def moment_of(id: UUID) -> datetime:
    """The instant that a UUIDv7 was made for, in UTC, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=id.int >> 80)


def first_id_at(moment: datetime) -> UUID:
    """The lowest value that an id of this instant (to the millisecond) can have: a bound for a range, not an id."""
    return UUID(int=(moment - _EPOCH) // timedelta(milliseconds=1) << 80)


def same_moment(id: UUID) -> tuple[UUID, UUID]:
    """The lowest and the highest value of an id of the same millisecond, and so of all ids derived from this one."""
    low = id.int >> 80 << 80
    return UUID(int=low), UUID(int=low | (1 << 80) - 1)


def keyed_id(moment: datetime, *parts: str) -> UUID:
    """An id of this instant (to the millisecond) that follows from the texts: the same ones always give the same id.

    Raises ValueError for a moment that no UUIDv7 can have, or that has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("The moment needs a time zone.")
    ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= ms < 1 << 48:
        raise ValueError("The moment is before 1970.")
    # Each with its length, so that no two lists of texts are one.
    encoded = [part.encode(errors="surrogatepass") for part in parts]
    seed = b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
    digest = int.from_bytes(blake2b(seed, digest_size=16).digest(), "big")
    return UUID(int=ms << 80 | _VERSION_AND_VARIANT | (digest & _FREE_BITS))


def derived_id(id: UUID, *parts: int) -> UUID:
    """An id of the same instant that follows from `id` and the numbers: the same ones always give the same id."""
    seed = id.bytes + b"".join(part.to_bytes(8, "big") for part in parts)
    digest = int.from_bytes(blake2b(seed, digest_size=16).digest(), "big")
    return UUID(int=(id.int >> 80 << 80) | _VERSION_AND_VARIANT | (digest & _FREE_BITS))
