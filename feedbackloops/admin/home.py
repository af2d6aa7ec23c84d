"""The first page of the dashboard: what needs a hand, and how the last day went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import Case, Count, Q, QuerySet, Value, When, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.reach import limit
from feedbackloops.admin.filters import ACTIVE, conditions
from feedbackloops.admin.picker import EVENT_TYPES
from feedbackloops.admin.ranks import TROUBLED
from feedbackloops.admin.unchanged import unless_known
from feedbackloops.charts import Chart, Series, stacked
from feedbackloops.counting import HOUR, Counts, last_hours, total
from feedbackloops.durations import about, success_words
from feedbackloops.looplines import (
    Line,
    hour_words,
    lines_of,
    seconds_words,
)
from feedbackloops.models import FeedbackLoop, LedgerLine, ParkedEvent
from feedbackloops.overview import Waiting, events_of, hours_of, last_events, waiting_in
from feedbackloops.story.makers import ODD, verdicts_of
from feedbackloops.words import Kind
from profiles.models import Account
from tracking.persons import persons_of

TROUBLES_SHOWN = 10
EVENTS_SHOWN = 10
STOPPED = Q(lane__stopped__isnull=False)


class Tile(NamedTuple):
    """A figure of the last 24 hours, and what to know of it."""

    title: str
    figure: str
    words: str
    is_bad: bool = False


class Chore(NamedTuple):
    """Something that waits for somebody's hand."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Home:
    """All that the page shows."""

    tiles: list[Tile]
    troubled: list[Line]
    chores: list[Chore]
    events: Chart
    calls: Chart
    has_loops: bool


def home_page(request: HttpRequest) -> HttpResponse:
    """The page."""
    shown = home_of(request.user, now())
    context = {**admin.site.each_context(request), "title": _("Home"), "home": shown, "may_add": _may_add(request)}
    context |= {"add_url": reverse("admin:feedbackloops_feedbackloop_add")}
    return TemplateResponse(request, "admin/home.html", context | last_context(request))


def last_page(request: HttpRequest) -> HttpResponse:
    """The newest events alone, for the script that keeps the page fresh; nothing where none came since."""
    return unless_known(request, render_to_string("admin/home_last.html", last_context(request), request))


def last_context(request: HttpRequest) -> dict[str, Any]:
    """The newest events, for those who may see events."""
    if not request.user.has_perm("tracking.view_event"):
        return {"may_see_events": False}
    accounts = dict(limit(Account.objects.all(), request.user).values_list("pk", "name"))
    events = last_events(accounts.keys(), EVENTS_SHOWN)
    prefetch_related_objects(events, "message")
    persons = persons_of(events)
    verdicts = verdicts_of(event.pk for event in events)
    odd = {id: verdict for id, verdict in verdicts.items() if verdict in ODD}
    return {
        "may_see_events": True,
        "last": [(event, accounts[event.account_id], persons[event.pk], odd.get(event.pk, "")) for event in events],
    }


def home_of(user: Any, moment: datetime) -> Home:
    """What this user sees at this moment."""
    loops, hours = limit(FeedbackLoop.objects.all(), user), last_hours(moment)
    ids = list(loops.values_list("pk", flat=True))
    end = hours[-1] + HOUR
    calls, waiting = hours_of(ids, hours[0], end), waiting_in(ids)
    accounts = list(limit(Account.objects.all(), user).values_list("pk", flat=True))
    events = events_of(accounts, hours[0], end)
    tiles = [_events_tile(sum(events.values())), *_calls_tiles(total(calls.values())), _backlog_tile(waiting, moment)]
    return Home(
        tiles,
        _troubled(loops, moment),
        _chores(user),
        _events_chart(hours, events),
        _calls_chart(hours, calls),
        bool(ids),
    )


def _may_add(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("feedbackloops.add_feedbackloop"))


def _events_tile(number: int) -> Tile:
    return Tile(_("Events"), _number(number), _("in the last 24 hours"))


def _calls_tiles(day: Counts) -> list[Tile]:
    failed = ngettext("%(number)s call failed", "%(number)s calls failed", day.failed) % {"number": _number(day.failed)}
    words = _("%(number)s delivered, %(failed)s") % {"number": _number(day.delivered), "failed": failed}
    half = _("half of all; 95 %% within %(time)s") % {"time": seconds_words(day.latency, 0.95)}
    return [
        Tile(_("Successful calls"), success_words(day.delivered, day.failed), words, is_bad=day.failed > day.delivered),
        Tile(_("From event to receipt"), seconds_words(day.latency, 0.5), half if day.delivered else ""),
    ]


def _backlog_tile(waiting: dict[int, Waiting], moment: datetime) -> Tile:
    if not waiting:
        return Tile(_("Waiting"), "0", _("nothing is held up"))
    number = _number(sum(each.number for each in waiting.values()))
    shown = _("over %(number)s") % {"number": number} if any(each.is_more for each in waiting.values()) else number
    late = (moment - min(each.due for each in waiting.values())).total_seconds()
    words = _("the oldest was due %(time)s ago") % {"time": about(late)} if late > 0 else _("none is due yet")
    return Tile(_("Waiting"), shown, words, is_bad=late > HOUR.total_seconds())


def _troubled(loops: QuerySet[FeedbackLoop], moment: datetime) -> list[Line]:
    worst = Case(When(STOPPED, then=Value(0)), default=Value(1))
    found = (
        loops.filter(ACTIVE & (STOPPED | TROUBLED))
        .select_related("account", "lane")
        .order_by(worst, "lane__failing_since", "pk")
    )
    return [line for line in lines_of(found[:TROUBLES_SHOWN], moment) if line.standing.kind == Kind.TROUBLE]


def _chores(user: Any) -> list[Chore]:
    return [*_loop_chores(user), *_ledger_chores(user), *_parked_chores(user)]


def _loop_chores(user: Any) -> list[Chore]:
    wanted = {name: Count("pk", filter=condition) for name, condition in conditions().items() if name != "failing"}
    numbers = limit(FeedbackLoop.objects.all(), user).aggregate(**wanted)
    words = {
        "stopped": ngettext(
            "%(n)s loop has stopped by itself", "%(n)s loops have stopped by themselves", numbers["stopped"]
        ),
        "unverified": ngettext("%(n)s loop is not verified", "%(n)s loops are not verified", numbers["unverified"]),
        "cooling": ngettext("%(n)s loop rests after trouble", "%(n)s loops rest after trouble", numbers["cooling"]),
        "paused": ngettext("%(n)s loop is paused", "%(n)s loops are paused", numbers["paused"]),
    }
    url = reverse("admin:feedbackloops_feedbackloop_changelist")
    return [
        Chore(words[name] % {"n": _number(number)}, f"{url}?standing={name}")
        for name, number in numbers.items()
        if number
    ]


def _ledger_chores(user: Any) -> list[Chore]:
    if not user.has_perm("feedbackloops.view_ledgerline"):
        return []
    number = limit(LedgerLine.objects.exclude(missing=0), user).count()
    words = ngettext("%(n)s line of the ledger does not balance", "%(n)s lines of the ledger do not balance", number)
    url = reverse("admin:feedbackloops_ledgerline_changelist")
    return [Chore(words % {"n": _number(number)}, f"{url}?balance=no")] if number else []


def _parked_chores(user: Any) -> list[Chore]:
    if not user.has_perm("feedbackloops.view_parkedevent"):
        return []
    number = limit(ParkedEvent.objects.all(), user).count()
    words = ngettext("%(n)s event could not be fanned out", "%(n)s events could not be fanned out", number)
    return (
        [Chore(words % {"n": _number(number)}, reverse("admin:feedbackloops_parkedevent_changelist"))] if number else []
    )


def _events_chart(hours: Sequence[datetime], events: dict[tuple[datetime, str], int]) -> Chart:
    series = [
        Series(
            str(group.label), group.key, [sum(events.get((hour, type), 0) for type in group.types) for hour in hours]
        )
        for group in EVENT_TYPES
    ]
    return stacked([hour_words(hour) for hour in hours], series)


def _calls_chart(hours: Sequence[datetime], calls: dict[datetime, Counts]) -> Chart:
    each = [calls.get(hour, Counts()) for hour in hours]
    series = [
        Series(_("Delivered"), "delivered", [counts.delivered for counts in each]),
        Series(_("Failed"), "failed", [counts.failed for counts in each]),
    ]
    return stacked([hour_words(hour) for hour in hours], series)


def _number(number: int) -> str:
    return number_format(number, force_grouping=True)
