"""How loops went in the last day: a line for each, in the same few questions however many they are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from feedbackloops.charts import Cell, strip
from feedbackloops.counting import HOUR, Counts, counts_of, last_hours, total
from feedbackloops.durations import about, short_time, success_words
from feedbackloops.models import FeedbackLoop
from feedbackloops.overview import MOST_WAITING, Waiting, waiting_in
from feedbackloops.protocol.latency import BOUNDS, percentile
from feedbackloops.recent import fetch_recent, standing
from feedbackloops.words import Standing
from profiles.showing import NOTHING


@dataclass(frozen=True, slots=True)
class Line:
    """A loop at a glance."""

    loop: FeedbackLoop
    standing: Standing
    cells: list[Cell]
    success: str
    p95: str
    waiting: str

    @property
    def has_calls(self) -> bool:
        """Whether any call was made in the last 24 hours."""
        return self.success != NOTHING

    @property
    def words(self) -> str:
        """What the health strip shows, for those who don't see it."""
        if not self.has_calls:
            return _("No calls in the last 24 hours")
        return _("Calls of the last 24 hours, %(success)s successful") % {"success": self.success}


def hour_words(hour: datetime) -> str:
    """An hour in the viewer's zone."""
    return date_format(localtime(hour), "H:i")


def lines_of(loops: Iterable[FeedbackLoop], now: datetime) -> list[Line]:
    """The lines of these loops, whose lanes should be at hand."""
    listed, hours = list(loops), last_hours(now)
    fetch_recent(listed)
    ids = [loop.pk for loop in listed]
    counts, waiting = counts_of(ids, hours[0], hours[-1] + HOUR), waiting_in(ids)
    named = {hour: hour_words(hour) for hour in hours}
    return [_line(loop, counts[loop.pk], waiting.get(loop.pk), named, now) for loop in listed]


def seconds_words(latency: Sequence[int], share: float) -> str:
    """Within which time this share of what was delivered was received."""
    seconds = percentile(latency, share)
    if seconds is None:
        return NOTHING
    if seconds > BOUNDS[-1]:
        return _("over an hour")
    return short_time(max(seconds, 0.001)) if seconds < 1 else about(seconds)


def waiting_number(waiting: Waiting | None) -> str:
    """How many deliveries wait."""
    if waiting is None:
        return "0"
    if waiting.is_more:
        return _("over %(number)s") % {"number": number_format(MOST_WAITING, force_grouping=True)}
    return number_format(waiting.number, force_grouping=True)


def _line(
    loop: FeedbackLoop,
    counts: Mapping[datetime, Counts],
    waiting: Waiting | None,
    hours: Mapping[datetime, str],
    now: datetime,
) -> Line:
    each = [counts.get(hour, Counts()) for hour in hours]
    cells = strip([*hours.values()], [c.delivered for c in each], [c.failed for c in each])
    day = total(each)
    return Line(
        loop=loop,
        standing=standing(loop, now),
        cells=cells,
        success=success_words(day.delivered, day.failed),
        p95=seconds_words(day.latency, 0.95),
        waiting=waiting_number(waiting),
    )
