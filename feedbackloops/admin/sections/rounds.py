"""The last round of looks for a loop's verification file, and whether another one is waited for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from feedbackloops.models import FeedbackLoop, VerificationLook
from feedbackloops.protocol import challenge

# A round has two places; the rest are older ones, for whoever wonders since when.
LOOKS_READ: Final = 6
PENDING: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Round:
    """What the last round saw where the file belongs today; no looks where there was none. `is_pending`: one is under
    way. `is_overdue`: it was asked for, and nobody has looked for longer than that takes.
    """

    looks: list[VerificationLook]
    is_pending: bool
    is_overdue: bool

    @property
    def looked(self) -> datetime | None:
        """When it began."""
        return self.looks[0].looked if self.looks else None


def round_of(loop: FeedbackLoop, now: datetime) -> Round:
    """The last round at this moment. One query."""
    last = _last_looks(loop)
    is_open = _is_unanswered(loop, last)
    is_recent = now - loop.looks_wanted_since < PENDING
    is_overdue = is_open and not is_recent and not last and not loop.is_verified
    return Round(last, is_open and is_recent, is_overdue)


def _last_looks(loop: FeedbackLoop) -> list[VerificationLook]:
    looks = list(loop.looks.all()[:LOOKS_READ])
    places = challenge.locations(loop.url, loop.verification_file)
    last = [look for look in looks if look.looked == looks[0].looked]
    return last if all(look.url in places for look in last) else []


def _is_unanswered(loop: FeedbackLoop, last: list[VerificationLook]) -> bool:
    """Whether looks were asked for, and nothing has come of them since."""
    if loop.verified and loop.verified >= loop.looks_wanted_since:
        return False
    if not loop.is_verified and any(look.found for look in last):
        # What was seen is written down a moment before what follows from it.
        return True
    return not last or (last[0].wanted or last[0].looked) < loop.looks_wanted_since
