"""Loops in the order in which they need a hand, and where each stands in a word."""

from typing import Any, Final, NamedTuple

from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.views import ChangeList

from feedbackloops.admin.filters import ACTIVE, VERIFIED
from feedbackloops.models import FeedbackLoop, LoopStatus
from feedbackloops.words import Kind, Standing, is_stopped, verified_words

STOPPED, IN_TROUBLE, UNVERIFIED, PAUSED, HEALTHY, DISABLED = range(6)

# What PostgreSQL can tell without the last attempts: a failure that nothing good has followed yet.
TROUBLED: Final = Q(lane__failing_since__isnull=False) | Q(lane__troubles__gt=0)
RANK: Final = Case(
    When(ACTIVE & Q(lane__stopped__isnull=False), then=Value(STOPPED)),
    When(ACTIVE & ~VERIFIED, then=Value(UNVERIFIED)),
    When(ACTIVE & TROUBLED, then=Value(IN_TROUBLE)),
    When(status=LoopStatus.PAUSED, then=Value(PAUSED)),
    When(status=LoopStatus.DISABLED, then=Value(DISABLED)),
    default=Value(HEALTHY),
)


class Rank(NamedTuple):
    """Where a loop stands: the place among all, a word for it, and the kind of its badge."""

    place: int
    word: str
    badge: str


def rank_of(loop: FeedbackLoop, standing: Standing) -> Rank:
    """Where this loop stands, whose last attempts are known."""
    if loop.status == LoopStatus.PAUSED:
        return Rank(PAUSED, str(LoopStatus.PAUSED.label), "warning")
    if loop.status == LoopStatus.DISABLED:
        return Rank(DISABLED, str(LoopStatus.DISABLED.label), "")
    if is_stopped(loop):
        return Rank(STOPPED, _("Stopped"), "danger")
    if not loop.is_verified:
        return Rank(UNVERIFIED, verified_words(loop), "warning")
    if standing.kind == Kind.TROUBLE:
        return Rank(IN_TROUBLE, _("In trouble"), "danger")
    return Rank(HEALTHY, str(LoopStatus.ACTIVE.label), "success")


class WorstFirst(ChangeList):  # type: ignore[misc]  # unfold carries no types
    """A list of loops that begins with those that need a hand, until its reader orders it."""

    @property
    def is_worst_first(self) -> bool:
        """Whether its reader has not asked for another order."""
        return ORDER_VAR not in self.params

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> Any:
        if self.is_worst_first:
            return [RANK.asc(), F("lane__failing_since").asc(nulls_last=True), "name", "pk"]
        return super().get_ordering(request, queryset)

    def get_ordering_field_columns(self) -> Any:
        return {} if self.is_worst_first else super().get_ordering_field_columns()
