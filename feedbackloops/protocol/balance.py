"""The ledger's sums: what a day's figures say, and when a day is to be counted again. Days are UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from profiles.sentences import Sentence, ngettext_lazy

# Late hits come out of spools, and deliveries are tried for days: a young day is counted again whatever it shows.
YOUNG = timedelta(days=8)
# The older a day, the rarer it is counted again: after this part of its age.
AGE_PART = 12

_MISSING = ngettext_lazy(
    "%(number)s delivery is missing: rows were deleted by hand, or a part of the database was restored. See who "
    "changed feedbackloops_delivery, and hold the day against a backup.",
    "%(number)s deliveries are missing: rows were deleted by hand, or a part of the database was restored. See who "
    "changed feedbackloops_delivery, and hold the day against a backup.",
)
_TOO_MANY = ngettext_lazy(
    "%(number)s delivery more than were owed: counts were deleted, or deliveries made, by hand. See who changed "
    "feedbackloops_owedcount or feedbackloops_delivery.",
    "%(number)s deliveries more than were owed: counts were deleted, or deliveries made, by hand. See who changed "
    "feedbackloops_owedcount or feedbackloops_delivery.",
)
_NO_EVENT = ngettext_lazy(
    "%(number)s accepted hit is no event yet, and in no spool of this host. Look into the spool folder of every "
    "web host; what is in none of them was deleted.",
    "%(number)s accepted hits are no event yet, and in no spool of this host. Look into the spool folder of every "
    "web host; what is in none of them was deleted.",
)
_LOST = ngettext_lazy(
    "%(number)s hit was lost: neither PostgreSQL nor the spool took them. See the log of web.",
    "%(number)s hits were lost: neither PostgreSQL nor the spool took them. See the log of web.",
)


@dataclass(frozen=True, slots=True)
class Line:
    """What a loop was owed for a day, and its deliveries of that day by state."""

    day: date
    loop: int
    account: int | None
    owed: int
    delivered: int
    pending: int
    given_up: int
    cancelled: int

    @property
    def missing(self) -> int:
        """Deliveries that were owed and are not there; below zero, there are more than were owed."""
        return self.owed - self.delivered - self.pending - self.given_up - self.cancelled


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of a day: accepted and lost as the web processes counted them, spooled, and events that they became."""

    day: date
    accepted: int
    lost: int
    spooled: int
    events: int

    @property
    def missing(self) -> int:
        """Accepted hits that are neither an event nor in a spool that we see. More events than that are no fault."""
        return max(0, self.accepted - self.spooled - self.events)


def line_problem(missing: int) -> str:
    """What is wrong with a line in which so many deliveries are missing, and where to look; empty where nothing is."""
    if missing > 0:
        return _counted(_MISSING, missing)
    return _counted(_TOO_MANY, -missing) if missing < 0 else ""


def hits_problem(missing: int) -> str:
    """What is wrong where so many accepted hits are missing, and where to look; empty where nothing is."""
    return _counted(_NO_EVENT, missing) if missing > 0 else ""


def hits_remark(lost: int) -> str:
    """What to know of hits that were lost and counted as such; empty where none was."""
    return _counted(_LOST, lost) if lost else ""


def count_again(day: date, *, now: datetime, counted: datetime | None, is_open: bool) -> bool:
    """Whether a day last counted at `counted` (None: never) is to be counted at `now`.

    `is_open`: something of it is pending, or does not balance. A day that is over and closed stays as it was counted.
    """
    if counted is None:
        return True
    age = now - datetime(day.year, day.month, day.day, tzinfo=UTC)
    if age >= YOUNG and not is_open:
        return False
    # A day that is not over is counted whenever somebody asks: its figures change all the time.
    return now - counted >= (age - timedelta(days=1)) / AGE_PART


def _counted(words: tuple[str, str], number: int) -> Sentence:
    return Sentence(*words, count=number, number=f"{number:,}")
