"""What came of a loop's calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.counting import Counts, counts_of, hour_of, total
from feedbackloops.models import FeedbackLoop
from feedbackloops.words import latency_words
from profiles.showing import when

HOUR = timedelta(hours=1)
HOURS_SHOWN = 24


@dataclass(frozen=True, slots=True)
class LastDay:
    """What was counted for a loop in this hour and the 23 before."""

    since: datetime
    counts: Counts

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The lines to show: what was counted, how many."""
        counts = self.counts
        numbers = {"Owed": counts.owed, "Delivered": counts.delivered}
        numbers |= {"Failed attempts": counts.failed, "Given up": counts.given_up}
        lines = [(name, f"{number:,}") for name, number in numbers.items()]
        return [*lines, ("From event to receipt", latency_words(counts.latency)), ("Counted since", when(self.since))]


def outcomes(visit: Visit) -> LastDay:
    """What was counted in the last 24 hours of the clock, the one that has begun among them."""
    return last_day_of(visit.loop, visit.now)


def last_day_of(loop: FeedbackLoop, now: datetime) -> LastDay:
    """What was counted for the loop in the last 24 hours of the clock, the one that has begun among them."""
    end = hour_of(now) + HOUR
    since = end - HOURS_SHOWN * HOUR
    return LastDay(since, total(counts_of([loop.pk], since, end)[loop.pk].values()))
