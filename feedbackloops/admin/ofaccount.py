"""Histories of one account, or of the few that their reader sees.

Deliveries and attempts are found by their loop; no index has them by account. A loop stays in its account, and stays
there while anything was owed to it, so an account's rows are those of its loops.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from access.reach import limit, sees_all
from feedbackloops.models import FeedbackLoop
from profiles.pages import LookupFilter
from tracking.browsing import HistoryPage


class AccountsLoopsFilter(LookupFilter):
    """By account, through the loops of the account."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the account's loops."""
        if not self.used_parameters:
            return queryset
        loops = super().queryset(request, FeedbackLoop.objects.all())
        return queryset.filter(loop__in=_numbers(loops))


class LoopsHistoryPage(HistoryPage):
    """A history of loops: who sees some accounts finds theirs through the loops."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if sees_all(request.user):
            return rows
        return rows.filter(loop__in=_numbers(limit(FeedbackLoop.objects.all(), request.user)))


def _numbers(loops: QuerySet[FeedbackLoop]) -> list[int]:
    # Numbers, since of a subquery PostgreSQL can't know how few they are.
    return list(loops.order_by().values_list("pk", flat=True))
