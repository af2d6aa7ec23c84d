from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from feedbackloops import doorbell
from feedbackloops.admin.audit import ended_by_loop
from feedbackloops.admin.deliverypage import DeliveryPage
from feedbackloops.admin.filters import OutcomeFilter
from feedbackloops.admin.ofaccount import AccountsLoopsFilter, LoopsHistoryPage
from feedbackloops.durations import seconds
from feedbackloops.fanout import unpark
from feedbackloops.models import Attempt, Delivery, DeliveryState, FeedbackLoop, ParkedEvent
from feedbackloops.resending import send_again
from feedbackloops.story.trail import stop_of
from feedbackloops.tracing import attempts_of, deliveries_of
from feedbackloops.words import LOOPS_WITH_HOLDS, due_words, hold_of
from profiles.pages import LookupFilter
from profiles.showing import NOTHING, badge, link, related, related_link, short_when, when
from tracking.browsing import HistoryPage, OccurredFilter, PersonColumn, as_uuid, events_named
from tracking.ids import moment_of
from tracking.models import Event, Message

RESENT_AT_ONCE = 10_000
HELD_NAMED = 5
STATED = '{}<div class="listed-small">{}</div>'
LOOP_NAMES = Prefetch("loop", FeedbackLoop.objects.only("name"))
STATE_COLOURS = {"pending": "info", "delivered": "success", "given_up": "danger"}


@admin.register(Delivery)
class DeliveryAdmin(PersonColumn, DeliveryPage):
    list_display = [
        "occurred",
        "what",
        "recipient",
        "loop_link",
        "state_shown",
        "attempts",
        "due",
    ]
    list_display_links = ["occurred"]
    list_filter = [
        ("loop", LookupFilter),
        ("state", ChoicesDropdownFilter),
        ("outcome", OutcomeFilter),
        ("account", AccountsLoopsFilter),
        ("id", OccurredFilter),
    ]
    search_help_text = _("Whole e-mail address, or any id")
    actions = ["resend"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        events = Prefetch("event", Event.objects.only("type", "message", "data"))
        recipients = Prefetch("event__message", Message.objects.only("recipient"))
        return super().get_queryset(request).prefetch_related(LOOPS_WITH_HOLDS, "account", events, recipients)

    def event_of(self, row: Delivery) -> Event | None:
        event: Event | None = related(row, "event")
        return event

    def ids_named(self, term: str) -> list[UUID]:
        own = as_uuid(term)
        return [*([own] if own else []), *deliveries_of(events_named(term))]

    @admin.action(description=_("Send again"), permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        chosen = list(queryset.order_by("-pk").values_list("pk", flat=True)[:RESENT_AT_ONCE])
        ended = ended_by_loop(chosen)
        self.log_sent_again(request, chosen, ended)
        if count := send_again(chosen):
            self.message_user(
                request, gettext("To be sent again, with all attempts before them: %(number)d.") % {"number": count}
            )
        if left := len(chosen) - count:
            words = gettext("Left as they are, because they are still waiting: %(number)d.") % {"number": left}
            self.message_user(request, words, messages.WARNING)
        if held := _held_loops(chosen):
            words = gettext("Waiting until the loop sends again: %(loops)s.") % {"loops": ", ".join(held)}
            self.message_user(request, words, messages.WARNING)

    @admin.display(description=_("Happened"))
    def occurred(self, delivery: Delivery) -> str:
        return short_when(moment_of(delivery.pk))

    @admin.display(description=_("Event"))
    def what(self, delivery: Delivery) -> str:
        event = related(delivery, "event")
        return event.get_type_display() if event else NOTHING

    @admin.display(description=_("Loop"))
    def loop_link(self, delivery: Delivery) -> str:
        return related_link(delivery, "loop")

    @admin.display(description=_("State"))
    def state_shown(self, delivery: Delivery) -> str:
        shown = badge(str(DeliveryState(delivery.state).label), STATE_COLOURS.get(delivery.state, ""))
        if delivery.state == DeliveryState.DELIVERED or not delivery.outcome:
            return shown
        return format_html(STATED, shown, delivery.get_outcome_display())

    @admin.display(description=_("Next attempt"))
    def due(self, delivery: Delivery) -> str:
        return due_words(delivery, related(delivery, "loop"), now())


def _held_loops(deliveries: list[UUID]) -> list[str]:
    ids = set(Delivery.objects.filter(pk__in=deliveries).order_by().values_list("loop_id", flat=True))
    loops = FeedbackLoop.objects.select_related("lane").filter(pk__in=ids).order_by("name")
    held = [f"“{loop.name}” ({hold})" for loop in loops if (hold := hold_of(loop, now()))]
    return held if len(held) <= HELD_NAMED else [gettext("%(number)d loops") % {"number": len(held)}]


@admin.register(Attempt)
class AttemptAdmin(LoopsHistoryPage):
    list_display = ["began", "loop_link", "kind", "number", "outcome", "status_shown", "took", "message"]
    list_display_links = ["began"]
    list_filter = [
        ("loop", LookupFilter),
        ("outcome", ChoicesDropdownFilter),
        ("account", AccountsLoopsFilter),
        ("id", OccurredFilter),
    ]
    search_help_text = _("Whole e-mail address, or any id")
    change_form_template = "admin/feedbackloops/attempt/change_form.html"
    fields = ["id"]

    class Media:
        css = {"all": ["marketingsuite/history.css"]}
        js = ["marketingsuite/live.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return super().get_queryset(request).prefetch_related(LOOP_NAMES, "account")

    def ids_named(self, term: str) -> list[UUID]:
        own = as_uuid(term)
        mine = [own] if own else []
        return [*mine, *attempts_of([*mine, *deliveries_of(events_named(term))])]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = context["original"]
        context |= {"stop": stop_of(attempt, None, None), "title": _title_of(attempt)}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By when they started: few enough to be sorted. All of the history is in the order of its events."""
        found, repeats = super().get_search_results(request, queryset, search_term)
        return found.order_by("-started", "-id") if search_term.strip() else found, repeats

    @admin.display(description=_("Started (newest event first)"))
    def began(self, attempt: Attempt) -> str:
        return when(attempt.started)

    @admin.display(description=_("Of"))
    def kind(self, attempt: Attempt) -> str:
        return link(Delivery, attempt.delivery_id, gettext("delivery")) if attempt.delivery_id else gettext("test call")

    @admin.display(description=_("Loop"))
    def loop_link(self, attempt: Attempt) -> str:
        return related_link(attempt, "loop")

    @admin.display(description=_("Status"))
    def status_shown(self, attempt: Attempt) -> str:
        return str(attempt.status or NOTHING)

    @admin.display(description=_("Took"))
    def took(self, attempt: Attempt) -> str:
        return seconds(attempt.total)


def _title_of(attempt: Attempt) -> str:
    outcome = attempt.get_outcome_display()
    if attempt.delivery_id is None:
        return gettext("Test call: %(outcome)s") % {"outcome": outcome}
    return gettext("Attempt %(number)s: %(outcome)s") % {"number": attempt.number, "outcome": outcome}


@admin.register(ParkedEvent)
class ParkedEventAdmin(HistoryPage):
    list_display = ["event", "parked_at", "error"]
    search_help_text = _("Event id")
    actions = ["try_again"]
    ordering = ["-event_id"]
    fields = ["event", "parked_at", "error"]

    def ids_named(self, term: str) -> list[UUID]:
        id = as_uuid(term)
        return [id] if id else []

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedbackloops.change_parkedevent")

    @admin.action(description=_("Try again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[ParkedEvent]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        self.log_acts(request, [ParkedEvent(pk=id) for id in ids], gettext("Asked for it to be tried again."))
        count = unpark(ids)
        transaction.on_commit(partial(doorbell.ring_for_events, ids), robust=True)
        words = gettext("Being tried again: %(number)d. Those that fail again come back to this list.")
        self.message_user(request, words % {"number": count})

    @admin.display(description=_("Event"))
    def event(self, parked: ParkedEvent) -> str:
        return link(Event, parked.pk, parked.pk)

    @admin.display(description=_("Parked"))
    def parked_at(self, parked: ParkedEvent) -> str:
        return when(parked.parked)
