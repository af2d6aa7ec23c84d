"""How fast a loop is called at most, and what that means for it."""

from dataclasses import dataclass
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from feedbackloops.admin.sections.health import backlog_words
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.counting import Counts, last_hours
from feedbackloops.models import FeedbackLoop
from feedbackloops.protocol.pacing import drain_rate
from feedbackloops.recent import seconds_a_call

SECONDS_AN_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in words. `load`: the busiest hour against what can be sent; empty where nothing was owed."""

    in_flight: str
    rate: str
    capacity: str
    load: str
    is_behind: bool
    backlog: str
    may_change: bool


def limits(visit: Visit) -> Limits:
    """What the limits of the loop come to."""
    loop, taken = visit.loop, seconds_a_call(visit.loop)
    an_hour = drain_rate(loop.rate_limit, loop.in_flight_limit, taken)
    most = None if an_hour is None else int(an_hour * SECONDS_AN_HOUR)
    busiest = max(visit.counts.get(hour, Counts()).owed for hour in last_hours(visit.now))
    is_behind = most is not None and busiest > most
    return Limits(
        _in_flight_words(loop),
        _rate_words(loop),
        _capacity_words(most, taken),
        _load_words(busiest, is_behind),
        is_behind,
        backlog_words(visit),
        visit.may_change,
    )


def _in_flight_words(loop: FeedbackLoop) -> str:
    if loop.in_flight_limit == 1:
        return _("One call at a time: the next one waits for the answer to the one before it.")
    return _("Up to %(number)s calls under way at once.") % {"number": _number(loop.in_flight_limit)}


def _rate_words(loop: FeedbackLoop) -> str:
    if loop.rate_limit is None:
        return _("No limit: as many calls a second as the script answers.")
    facts = {"rate": _number(loop.rate_limit), "hour": _number(loop.rate_limit * SECONDS_AN_HOUR)}
    return _("At most %(rate)s a second, which is %(hour)s an hour.") % facts


def _capacity_words(most: int | None, taken: float | None) -> str:
    if most is None:
        return _("Not known before the script has answered.")
    if taken is None:
        return _("About %(hour)s an hour, if the script answers fast enough.") % {"hour": _number(most)}
    facts = {"hour": _number(most), "seconds": f"{taken:.2g}"}
    return _("About %(hour)s an hour, as the script took %(seconds)s s for each of its last calls.") % facts


def _load_words(busiest: int, is_behind: bool) -> str:
    if not busiest:
        return ""
    if is_behind:
        words = _(
            "Up to %(number)s an hour: more than can be sent, so deliveries fall behind. Raise the limits if you can."
        )
        return words % {"number": _number(busiest)}
    return _("Up to %(number)s an hour: there is room for that.") % {"number": _number(busiest)}


def _number(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)
