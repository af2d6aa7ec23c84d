"""What came of a loop's calls: hour by hour for a day, day by day for a week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from feedbackloops.admin.sections.visit import DAYS_SHOWN, Visit
from feedbackloops.charts import Chart, Series, stacked
from feedbackloops.counting import Counts, last_hours, total
from feedbackloops.durations import latency_words
from feedbackloops.looplines import hour_words
from profiles.showing import when


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The charts, and the sums of the last day."""

    hours: Chart
    days: Chart
    since: datetime
    counts: Counts

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The lines to show: what was counted, how many."""
        counts = self.counts
        numbers = {_("Owed"): counts.owed, _("Delivered"): counts.delivered}
        numbers |= {_("Failed attempts"): counts.failed, _("Given up"): counts.given_up}
        lines = [(name, f"{number:,}") for name, number in numbers.items()]
        latency = latency_words(counts.latency)
        return [*lines, (_("From event to receipt"), latency), (_("Counted since"), when(self.since))]


def outcomes(visit: Visit) -> Outcomes:
    """What was counted up to the hour that has begun."""
    hours = last_hours(visit.now)
    by_hour = [visit.counts.get(hour, Counts()) for hour in hours]
    return Outcomes(_chart([hour_words(hour) for hour in hours], by_hour), _days(visit), hours[0], total(by_hour))


def _days(visit: Visit) -> Chart:
    today = localtime(visit.now).toordinal()
    days: dict[int, list[Counts]] = {today - ago: [] for ago in reversed(range(DAYS_SHOWN))}
    for hour, counts in visit.counts.items():
        days.setdefault(localtime(hour).toordinal(), []).append(counts)
    shown = sorted(days)[-DAYS_SHOWN:]
    labels = [date_format(datetime.fromordinal(day), "D j") for day in shown]
    return _chart(labels, [total(days[day]) for day in shown])


def _chart(labels: Sequence[str], counted: Sequence[Counts]) -> Chart:
    # An attempt that failed and was the last one is counted as given up.
    again = [max(0, counts.failed - counts.given_up) for counts in counted]
    return stacked(
        labels,
        [
            Series(_("Delivered"), "delivered", [counts.delivered for counts in counted]),
            Series(_("Failed attempts, tried again"), "failed", again),
            Series(_("Given up"), "given-up", [counts.given_up for counts in counted]),
        ],
    )
