"""What loops were owed, and what came of it, hour by hour: read from the counts, however long the history is."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Sum

from feedbackloops.models import LoopHour, OwedCount
from feedbackloops.protocol.latency import BUCKETS

NO_LATENCY = (0,) * BUCKETS
HOUR: Final = timedelta(hours=1)
HOURS_OF_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Counts:
    """Deliveries owed for the events of a time; those delivered and given up, and the attempts that failed, in it.

    `latency`: how many were delivered in each bucket of protocol.latency.
    """

    owed: int = 0
    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    latency: tuple[int, ...] = NO_LATENCY

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.owed + other.owed,
            self.delivered + other.delivered,
            self.failed + other.failed,
            self.given_up + other.given_up,
            tuple(map(sum, zip(self.latency, other.latency, strict=True))),
        )


def hour_of(moment: datetime) -> datetime:
    """The start of the hour (UTC) that a moment is in, as it stands in the counts."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def last_hours(now: datetime) -> list[datetime]:
    """The last 24 hours of the clock (UTC), the one that has begun among them, the earliest first."""
    last = hour_of(now)
    return [last - HOUR * back for back in reversed(range(HOURS_OF_A_DAY))]


def counts_of(loops: Iterable[int], start: datetime, end: datetime) -> dict[int, dict[datetime, Counts]]:
    """The counts of the hours from `start` to before `end`, by loop and hour; hours without any are left out."""
    found: dict[int, dict[datetime, Counts]] = {loop: {} for loop in loops}
    chosen = {"loop_id__in": list(found), "hour__gte": start, "hour__lt": end}
    for row in LoopHour.objects.filter(**chosen):
        latency = (*row.latency, *NO_LATENCY[len(row.latency) :])
        found[row.loop_id][row.hour] = Counts(0, row.delivered, row.failed, row.given_up, latency)
    owed = OwedCount.objects.filter(**chosen).values_list("loop_id", "hour").annotate(Sum("count"))
    for loop, hour, count in owed:
        found[loop][hour] = replace(found[loop].get(hour, Counts()), owed=count)
    return found


def total(counts: Iterable[Counts]) -> Counts:
    """The counts of several hours, or loops, as one."""
    return sum(counts, Counts())
