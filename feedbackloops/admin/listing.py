"""The columns of the list of loops."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from feedbackloops.admin.filters import EventTypeFilter, StandingFilter, VerifiedFilter
from feedbackloops.admin.ranks import RANK, WorstFirst, rank_of
from feedbackloops.looplines import Line, lines_of
from feedbackloops.models import FeedbackLoop
from feedbackloops.templatetags.charts import strip
from feedbackloops.templatetags.loop_sections import in_colour
from feedbackloops.words import lane_of
from profiles.pages import LookupFilter, ModelAdmin
from profiles.showing import badge, short_when

STANDS = '<div class="listed-stands">{}{}</div>'
NAMED = '<bdi class="listed-name">{}</bdi> <bdi class="listed-small">{}</bdi>'
KEPT = "_line"


class LoopList(ModelAdmin):
    """What a page's loops look like in a list: each column reads the loop's line, which is fetched for all of them."""

    list_display = ["named", "stands", "health", "success", "p95", "waiting", "last_success"]
    list_filter = [
        ("account", LookupFilter),
        ("status", ChoicesDropdownFilter),
        StandingFilter,
        VerifiedFilter,
        EventTypeFilter,
    ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return WorstFirst

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist: Any = super().get_changelist_instance(request)
        lines = lines_of(changelist.result_list, now())
        if changelist.is_worst_first:
            lines.sort(key=lambda line: rank_of(line.loop, line.standing).place)
        for line in lines:
            setattr(line.loop, KEPT, line)
        changelist.result_list = [line.loop for line in lines]
        return changelist

    @admin.display(description=_("Name"), ordering="name")
    def named(self, loop: FeedbackLoop) -> str:
        return format_html(NAMED, loop.name, loop.account.name)

    @admin.display(description=_("Status"), ordering=RANK)
    def stands(self, loop: FeedbackLoop) -> str:
        standing = _line(loop).standing
        rank = rank_of(loop, standing)
        return format_html(STANDS, badge(rank.word, rank.badge), in_colour(standing))

    @admin.display(description=_("Last 24 hours"))
    def health(self, loop: FeedbackLoop) -> str:
        return strip(_line(loop).cells, _line(loop).words)

    @admin.display(description=_("Success"))
    def success(self, loop: FeedbackLoop) -> str:
        return _line(loop).success

    @admin.display(description=_("95 % within"))
    def p95(self, loop: FeedbackLoop) -> str:
        return _line(loop).p95

    @admin.display(description=_("Waiting"))
    def waiting(self, loop: FeedbackLoop) -> str:
        return _line(loop).waiting

    @admin.display(description=_("Last success"), ordering="lane__last_success")
    def last_success(self, loop: FeedbackLoop) -> str:
        return short_when(lane_of(loop).last_success)


def _line(loop: FeedbackLoop) -> Line:
    line: Line = getattr(loop, KEPT)
    return line
