"""By what the lists of loops and of deliveries can be narrowed."""

from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, LoopStatus
from feedbackloops.protocol.outcome import Outcome
from tracking.models import EventType

ACTIVE = Q(status=LoopStatus.ACTIVE)
VERIFIED = Q(verified_place=F("place"))
FAILURES: Final = frozenset(Outcome) - {Outcome.ACCEPTED}
# In the words of the condition of the index delivery_failed, or it would not be used.
FAILED: Final = ~Q(state=DeliveryState.DELIVERED) & (~Q(state=DeliveryState.PENDING) | ~Q(outcome=""))


class VerifiedFilter(DropdownFilter):  # type: ignore[misc]  # unfold carries no types
    """By whether the place of the URL is verified."""

    title = _("verified")
    parameter_name = "verified"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Verified")), ("no", _("Not verified"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> QuerySet[FeedbackLoop]:
        if self.value() == "yes":
            return queryset.filter(VERIFIED)
        return queryset.exclude(VERIFIED) if self.value() == "no" else queryset


class StandingFilter(DropdownFilter):  # type: ignore[misc]  # unfold carries no types
    """By what keeps a loop from sending, as the first page counts it."""

    title = _("trouble")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("failing", _("No call succeeds")),
            ("stopped", _("Stopped by itself")),
            ("cooling", _("Rests after trouble")),
            ("unverified", _("Not verified")),
            ("paused", _("Paused")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> QuerySet[FeedbackLoop]:
        chosen = conditions().get(self.value() or "")
        return queryset.filter(chosen) if chosen else queryset


class EventTypeFilter(DropdownFilter):  # type: ignore[misc]  # unfold carries no types
    """By an event that the loop gets."""

    title = _("event type")
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(EventType.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[FeedbackLoop]) -> QuerySet[FeedbackLoop]:
        return queryset.filter(event_types__contains=[self.value()]) if self.value() else queryset


class OutcomeFilter(ChoicesDropdownFilter):  # type: ignore[misc]  # unfold carries no types
    """By the last outcome; what was delivered has been accepted, so failures are found without a look at it."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        found: QuerySet[Delivery] = super().queryset(request, queryset)
        chosen = set(self.lookup_val or ())
        return found.filter(FAILED) if chosen and chosen <= FAILURES else found


def conditions() -> dict[str, Q]:
    """What keeps an active loop from sending at this moment, and a pause, as conditions by their name."""
    return {
        "failing": ACTIVE & Q(lane__stopped=None, lane__failing_since__isnull=False),
        "stopped": ACTIVE & Q(lane__stopped__isnull=False),
        "cooling": ACTIVE & Q(lane__stopped=None, lane__cooling_until__gt=now()),
        "unverified": ACTIVE & ~VERIFIED,
        "paused": Q(status=LoopStatus.PAUSED),
    }
