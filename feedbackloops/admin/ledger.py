from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter

from access.reach import sees_all
from feedbackloops import doorbell, ledger
from feedbackloops.models import FeedbackLoop, LedgerDay, LedgerLine
from feedbackloops.protocol.balance import Hits, hits_problem, hits_remark, line_problem
from profiles.pages import LookupFilter, ReadPage
from profiles.saying import said
from profiles.showing import badge, related_link, short_when

DAYS_SHOWN = 14
LOOP_NAMES = Prefetch("loop", FeedbackLoop.objects.only("name"))


class BalanceFilter(DropdownFilter):  # type: ignore[misc]  # unfold carries no types
    """By whether the line balances."""

    title = _("balance")
    parameter_name = "balance"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", gettext("Does not balance")), ("yes", gettext("Balances"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LedgerLine]) -> QuerySet[LedgerLine]:
        if self.value() == "no":
            return queryset.exclude(missing=0)
        return queryset.filter(missing=0) if self.value() == "yes" else queryset


@admin.register(LedgerLine)
class LedgerLineAdmin(ReadPage):
    """What was owed to each loop, day by day, against what is there. Read only: it is counted."""

    NUMBERS = ("owed", "delivered", "pending", "given_up", "cancelled")
    list_display = ["day_shown", "loop_link", "account_link", *NUMBERS, "balance", "counted_shown"]
    list_display_links = ["day_shown"]
    list_filter = [("loop", LookupFilter), ("account", LookupFilter), ("day", RangeDateFilter), BalanceFilter]
    list_before_template = "admin/feedbackloops/ledgerline/summary.html"
    ordering = ["-day", "loop_id"]
    sortable_by = ()
    warn_unsaved_form = False
    fields = ["day_shown", "loop_link", "account_link", *NUMBERS, "words", "counted_shown"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerLine]:
        return super().get_queryset(request).prefetch_related(LOOP_NAMES, "account")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        wrong = self.get_queryset(request).exclude(missing=0).count()
        summary: dict[str, Any] = {"wrong": wrong, "may_count": self._may_count(request)}
        if sees_all(request.user):
            # Of all accounts together.
            days = [_day_words(day) for day in LedgerDay.objects.all()[:DAYS_SHOWN]]
            summary |= {"days": days, "is_wrong": any(each["words"] for each in days), "aside": ledger.aside()}
        return super().changelist_view(request, {**(extra_context or {}), "summary": summary})

    def get_urls(self) -> list[URLPattern]:
        count = self.admin_site.admin_view(self.count_view)
        return [path("count/", count, name="feedbackloops_ledgerline_count"), *super().get_urls()]

    def count_view(self, request: HttpRequest) -> HttpResponse:
        """Have every day that is kept counted anew."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self._may_count(request):
            raise PermissionDenied
        transaction.on_commit(partial(doorbell.ring_for_ledger, ledger.days_kept()), robust=True)
        words = gettext("It is being counted, the newest day first. Reload the page in a few seconds.")
        self.message_user(request, words)
        return HttpResponseRedirect(reverse("admin:feedbackloops_ledgerline_changelist"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may have it counted may see it."""
        return super().has_view_permission(request, obj) or self._may_count(request)

    def _may_count(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("feedbackloops.change_ledgerline")) and sees_all(request.user)

    @admin.display(description=_("Day (UTC)"))
    def day_shown(self, line: LedgerLine) -> str:
        return f"{line.day:%Y-%m-%d}"

    @admin.display(description=_("Loop"))
    def loop_link(self, line: LedgerLine) -> str:
        return related_link(line, "loop")

    @admin.display(description=_("Account"))
    def account_link(self, line: LedgerLine) -> str:
        return related_link(line, "account")

    @admin.display(description=_("Balance"))
    def balance(self, line: LedgerLine) -> str:
        if not line.missing:
            return badge(gettext("balances"), "success")
        words = gettext("%(number)s missing") if line.missing > 0 else gettext("%(number)s too many")
        return badge(words % {"number": f"{abs(line.missing):,}"}, "danger")

    @admin.display(description=_("In words"))
    def words(self, line: LedgerLine) -> str:
        return said(line_problem(line.missing)) or gettext("It balances: all that was owed is there.")

    @admin.display(description=_("Counted"))
    def counted_shown(self, line: LedgerLine) -> str:
        return short_when(line.counted)


def _day_words(day: LedgerDay) -> dict[str, Any]:
    hits = Hits(day.day, day.accepted, day.lost, day.spooled, day.events)
    remarks = [each for each in (hits_problem(hits.missing), hits_remark(hits.lost)) if each]
    return {"day": day, "words": " ".join(map(said, remarks))}
