"""What each web process knows of whom not to see, and of whose address to keep how much."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Self
from uuid import UUID

from django.conf import settings

from tracking.hits import UNSUBSCRIBE, Hit
from tracking.refused import Refused
from tracking.seldom import Seldom
from tracking.shortening import WHOLE, kept_address
from tracking.standing import Standing
from tracking.statements import run

logger = logging.getLogger(__name__)

# The file is written whole, and may be some megabytes.
SAVE_SECONDS = 30.0
# No transaction below the first can still commit a change; none from the second on has begun.
_SNAPSHOT = "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s"
_ALL = "SELECT message_id, true FROM tracking_refusal WHERE refused"
_CHANGES = "SELECT message_id, refused FROM tracking_refusal WHERE version BETWEEN %(first)s AND %(last)s"
_ADDRESSES = f"SELECT id, ip_addresses FROM profiles_account WHERE ip_addresses <> '{WHOLE}'"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How much of an address is kept, by account, where it is not all; and the messages that are not to be seen."""

    addresses: Mapping[int, str] = field(default_factory=dict)
    refused: Refused = field(default_factory=Refused)
    # Of `refused`: the first transaction that may not be in it. (pg_snapshot_xmin)
    version: int = 0

    def refuse(self, message: UUID, type: str) -> bool:
        """Whether a hit of this type is not to be kept: to unsubscribe is no tracking, and always is."""
        return type != UNSUBSCRIBE and bool(self.refused) and message in self.refused

    def kept_of(self, hit: Hit) -> Hit:
        """The hit with as much of its address as its account has kept."""
        keeping = self.addresses.get(hit.account)
        if keeping is None or "ip" not in hit.data:
            return hit
        data = dict(hit.data)
        if address := kept_address(str(data.pop("ip")), keeping):
            data["ip"] = address
        return replace(hit, data=data)

    def to_bytes(self) -> bytes:
        """As a process of this host keeps it for the next one."""
        keys = self.refused.in_order().keys
        head = {"addresses": self.addresses, "version": self.version, "messages": len(keys)}
        return json.dumps(head).encode() + b"\n" + keys.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """What `to_bytes` wrote on this machine. Raises ValueError."""
        head, _, keys = content.partition(b"\n")
        try:
            told = json.loads(head)
            refused = Refused()
            refused.keys.frombytes(keys)
            if len(refused.keys) != told["messages"]:
                raise ValueError("a part of it is missing")
            addresses = {int(account): str(keeping) for account, keeping in told["addresses"].items()}
            return cls(addresses, refused, int(told["version"]))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"not what was written: {type(error).__name__}") from error


class Privacy(Standing):
    """The wishes, in `current`: as the host's file has them, and once PostgreSQL answers, as that has them."""

    name = "What is not to be tracked"

    def __init__(self, path: Path) -> None:
        """Raises nothing: a file that can't be used is told of, and all is tracked until PostgreSQL answers."""
        super().__init__(path)
        self._may_save = Seldom(SAVE_SECONDS)
        self.current = self._saved = _parsed(self._read(), path)

    def take_over(self) -> None:
        """Take over what has changed since the last time. Raises django.db.Error; all stays as it is then."""
        known = self.current
        ((first, last),) = run(_SNAPSHOT)
        # A smaller one is that of another database, or of one that was put back to an earlier day.
        refused = self._changed(known, last) if 0 < known.version <= first else Refused().changed(run(_ALL))
        addresses = dict(run(_ADDRESSES))
        self.current = Wishes(addresses, refused, first)

    def _changed(self, known: Wishes, last: int) -> Refused:
        # What was under way the last time comes again, and changes nothing.
        changes = run(_CHANGES, first=known.version, last=last)
        return known.refused.changed(changes) if changes else known.refused

    def save(self) -> None:
        """Keep in the host's file what has changed, every half a minute."""
        current, saved = self.current, self._saved
        is_new = current.refused != saved.refused or current.addresses != saved.addresses
        if is_new and self._may_save() and self._write(current.to_bytes()):
            self._saved = current


@cache
def privacy() -> Privacy:
    """What this process goes by."""
    return Privacy(settings.PRIVACY_FILE)


def _parsed(content: bytes, path: Path) -> Wishes:
    try:
        return Wishes.from_bytes(content) if content else Wishes()
    except ValueError as error:
        logger.error(
            "What is not to be tracked can't be read from %s (%s): all is tracked until PostgreSQL answers", path, error
        )
        return Wishes()
