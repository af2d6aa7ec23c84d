"""Which of a loop's deliveries its page is to list, as the address of the page says it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import models
from django.http import QueryDict
from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedbackloops.protocol.outcome import Outcome
from tracking.browsing import as_uuid
from tracking.models import EventType
from tracking.verdicts.rules import Verdict

EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class Which(models.TextChoices):
    """The deliveries that are listed, by where they stand."""

    ALL = "", gettext_lazy("All")
    WAITING = "waiting", gettext_lazy("Waiting, the next one first")
    RETRYING = "retrying", gettext_lazy("Failed, to be tried again")
    GIVEN_UP = "given_up", gettext_lazy("Given up")
    DELIVERED = "delivered", gettext_lazy("Delivered")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")
    TESTS = "tests", gettext_lazy("Test calls")


FAILURES = [outcome.value for outcome in Outcome if outcome is not Outcome.ACCEPTED]


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page of the list ends: this delivery, and in the order of the queue the moment it is due, too."""

    id: UUID
    due: datetime | None = None

    def __str__(self) -> str:
        return f"{self.due.isoformat()}~{self.id}" if self.due else str(self.id)


@dataclass(frozen=True, slots=True)
class Choice:
    """What to list. `problems`: what of the address could not be understood, and was left out."""

    which: Which = Which.ALL
    outcome: str = ""
    type: str = ""
    made: str = ""
    who: str = ""
    since: datetime | None = None
    until: datetime | None = None
    after: Key | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the start of all of them is asked for."""
        return bool(self.which or self.outcome or self.type or self.made or self.who or self.since or self.until)

    def query(self, after: Key | None = None) -> str:
        """The part of an address that asks for the same, behind this key."""
        moments = {"since": _typed(self.since), "until": _typed(self.until)}
        kinds = {"which": self.which.value, "outcome": self.outcome, "type": self.type, "made": self.made}
        asked = {**kinds, "who": self.who, **moments}
        return urlencode({name: value for name, value in (asked | {"after": str(after or "")}).items() if value})


def choice_of(asked: QueryDict) -> Choice:
    """What an address asks for."""
    problems: list[str] = []
    return Choice(
        which=Which(_one_of(asked.get("which", ""), Which.values)),
        outcome=_one_of(asked.get("outcome", ""), FAILURES),
        type=_one_of(asked.get("type", ""), EventType.values),
        made=_one_of(asked.get("made", ""), set(Verdict)),
        who=asked.get("who", "").replace("\0", "").strip()[:320],
        since=_moment(asked.get("since", ""), problems),
        until=_moment(asked.get("until", ""), problems),
        after=_key(asked.get("after", "")),
        problems=problems,
    )


def _one_of(value: str, known: Any) -> str:
    return value if value in known else ""


def _moment(text: str, problems: list[str]) -> datetime | None:
    if not text.strip():
        return None
    try:
        typed = datetime.fromisoformat(text.strip())
        moment = make_aware(typed) if is_naive(typed) else typed
        if not EARLIEST < moment < LATEST:
            raise ValueError
        return moment
    except (ValueError, OverflowError):
        words = _("“%(text)s” is not a date and time, so it was left out. Write it like 2026-01-31T18:30.")
        problems.append(words % {"text": text[:40]})
        return None


def _key(text: str) -> Key | None:
    due, _mark, id = text.rpartition("~")
    known = as_uuid(id)
    if known is None:
        return None
    moment = _moment(due, [])
    return Key(known, moment)


def _typed(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
