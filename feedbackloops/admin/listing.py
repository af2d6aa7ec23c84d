"""The columns of the list of loops."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from feedbackloops.admin.filters import EventTypeFilter, StandingFilter, VerifiedFilter
from feedbackloops.admin.lines import Line, lines_of
from feedbackloops.models import FeedbackLoop, LoopStatus
from feedbackloops.words import lane_of, verified_words
from profiles.pages import LookupFilter, ModelAdmin
from profiles.showing import badge, when

STATUS_COLOURS = {"active": "success", "paused": "warning"}
STANDING = "admin/feedbackloops/feedbackloop/standing.html"
STRIP = "charts/strip.html"
KEPT = "_line"


class LoopList(ModelAdmin):
    """What a page's loops look like in a list: each column reads the loop's line, which is fetched for all of them."""

    list_display = ["name", "account", "status_shown", "sending", "health", "success", "p95", "waiting", "last_success"]
    list_filter = [
        ("account", LookupFilter),
        ("status", ChoicesDropdownFilter),
        StandingFilter,
        VerifiedFilter,
        EventTypeFilter,
    ]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        for line in lines_of(changelist.result_list, now()):
            setattr(line.loop, KEPT, line)
        return changelist

    @admin.display(description=_("Status"), ordering="status")
    def status_shown(self, loop: FeedbackLoop) -> str:
        shown = badge(LoopStatus(loop.status).label, STATUS_COLOURS.get(loop.status, ""))
        return shown if loop.is_verified else shown + badge(verified_words(loop), "warning")

    @admin.display(description=_("Sending"))
    def sending(self, loop: FeedbackLoop) -> str:
        return render_to_string(STANDING, {"standing": _line(loop).standing})

    @admin.display(description=_("Last 24 hours"))
    def health(self, loop: FeedbackLoop) -> str:
        return render_to_string(STRIP, {"cells": _line(loop).cells, "words": _line(loop).words})

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
        return when(lane_of(loop).last_success)


def _line(loop: FeedbackLoop) -> Line:
    line: Line = getattr(loop, KEPT)
    return line
