"""Durations, shares and how often, as staff read them."""

from collections.abc import Sequence

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feedbackloops.protocol.latency import BOUNDS, percentile
from profiles.showing import NOTHING

_SECONDS, _MINUTES = gettext_lazy("%(number)s s"), gettext_lazy("%(number)s min")
_HOURS, _DAYS = gettext_lazy("%(number)s h"), gettext_lazy("%(number)s d")
# A unit and its seconds, the next smaller one and its, and the seconds from which on another unit suits better.
_UNITS = (
    (_MINUTES, 60, _SECONDS, 1, 3600),
    (_HOURS, 3600, _MINUTES, 60, 86_400),
    (_DAYS, 86_400, _HOURS, 3600, 30 * 86_400),
)


def seconds(value: float) -> str:
    """A duration, to the millisecond."""
    return _SECONDS % {"number": f"{value:.3f}"} if value else NOTHING


def short_time(value: float) -> str:
    """A duration of a call or a pause, in the unit that suits it: "3 ms", "1.25 s", "2 min 5 s", "1 h 4 min"."""
    if value < 1:
        return _("%(number)s ms") % {"number": f"{value * 1000:.{0 if value >= 0.001 else 1}f}"}
    if value < 60:
        return _SECONDS % {"number": f"{value:.2f}".rstrip("0").rstrip(".")}
    for unit, length, smaller, part, most in _UNITS:
        if (whole := round(value)) < most:
            rest = whole % length // part
            shown = unit % {"number": whole // length}
            return f"{shown} {smaller % {'number': rest}}" if rest else shown
    return about(value)


def success_words(delivered: int, failed: int) -> str:
    """The share of the calls that succeeded."""
    if not delivered + failed:
        return NOTHING
    share = 100 * delivered / (delivered + failed)
    # What is not all is not called so.
    shown = min(share, 99.9) if failed else 100
    return f"{number_format(shown, decimal_pos=1 if failed else 0)} %"


def latency_words(latency: Sequence[int]) -> str:
    """How long it took from events to their receipt, for counts in the buckets of protocol.latency."""
    half, most = percentile(latency, 0.5), percentile(latency, 0.95)
    if half is None or most is None:
        return NOTHING
    return _("half %(half)s, 95 %% %(most)s") % {"half": _within(half), "most": _within(most)}


def _within(seconds: float) -> str:
    if seconds > BOUNDS[-1]:
        return _("in more than an hour")
    if seconds >= 60:
        return _("within %(number)s min") % {"number": f"{seconds / 60:.0f}"}
    if seconds >= 1:
        return _("within %(number)s s") % {"number": f"{seconds:.1f}"}
    return _("within %(number)s ms") % {"number": f"{max(seconds * 1000, 1):.0f}"}


def about(seconds: float) -> str:
    """A duration in the unit that suits it, such as "25 s" or "3 days"."""
    for unit, length, most in ((_SECONDS, 1, 90), (_MINUTES, 60, 90), (_HOURS, 3600, 36)):
        if (number := round(seconds / length)) < most:
            return unit % {"number": number}
    days = round(seconds / 86_400)
    return ngettext("%(number)s day", "%(number)s days", days) % {"number": f"{days:,}"}


def times(count: int) -> str:
    """How often, such as "twice"."""
    if count in (1, 2):
        return _("once") if count == 1 else _("twice")
    return ngettext("%(count)d time", "%(count)d times", count) % {"count": count}
