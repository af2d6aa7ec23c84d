from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.timezone import now
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from feedbackloops import doorbell
from feedbackloops.admin.audit import ended_by_loop, sent_again_words
from feedbackloops.admin.bodies import show_body
from feedbackloops.admin.recent import standing
from feedbackloops.fanout import unpark
from feedbackloops.models import Attempt, Delivery, DeliveryState, FeedbackLoop, ParkedEvent
from feedbackloops.resending import send_again
from feedbackloops.tracing import attempts_of, deliveries_of
from feedbackloops.words import LOOPS_WITH_HOLDS, attempt_words, delivery_words, due_words, hold_of, readable, seconds
from profiles.pages import LookupFilter
from profiles.showing import NOTHING, badge, link, related, related_link, when
from tracking.browsing import HistoryPage, OccurredFilter, as_uuid, events_named
from tracking.ids import moment_of
from tracking.models import Event, Message

RESENT_AT_ONCE = 10_000
RESENT = "Asked for it to be sent again."
HELD_NAMED = 5
LOOP_NAMES = Prefetch("loop", FeedbackLoop.objects.only("name"))
STATE_COLOURS = {"pending": "info", "delivered": "success", "given_up": "danger"}


@admin.register(Delivery)
class DeliveryAdmin(HistoryPage):
    list_display = [
        "occurred",
        "what",
        "recipient",
        "loop_link",
        "state_shown",
        "attempts",
        "outcome_shown",
        "due",
    ]
    list_display_links = ["occurred"]
    list_filter = [
        ("loop", LookupFilter),
        ("state", ChoicesDropdownFilter),
        ("outcome", ChoicesDropdownFilter),
        ("account", LookupFilter),
        ("id", OccurredFilter),
    ]
    search_help_text = "Whole e-mail address, or any id"
    actions = ["resend"]
    change_form_template = "admin/feedbackloops/delivery/change_form.html"
    fields = ["state_words", "what", "occurred", "recipient", "loop_link", "account_link", "event_link", "id", "sent"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        events = Prefetch("event", Event.objects.only("type", "message"))
        recipients = Prefetch("event__message", Message.objects.only("recipient"))
        return super().get_queryset(request).prefetch_related(LOOPS_WITH_HOLDS, "account", events, recipients)

    def ids_named(self, term: str) -> list[UUID]:
        own = as_uuid(term)
        return [*([own] if own else []), *deliveries_of(events_named(term))]

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedbackloops.change_delivery")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        delivery = context["original"]
        made = Attempt.objects.filter(pk__in=attempts_of([delivery.pk])).order_by("-number", "-started")
        ended = delivery.state != DeliveryState.PENDING
        context |= {"attempts": made, "may_resend": ended and self.has_resend_permission(request)}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(self.again_view)
        return [path("<path:object_id>/again/", again, name="feedbackloops_delivery_again"), *super().get_urls()]

    def again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send one delivery again, from its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_resend_permission(request):
            raise PermissionDenied
        delivery = self.get_object(request, object_id)
        if delivery is None:
            raise Http404
        ended = ended_by_loop([delivery.pk])
        self.message_user(request, *_resend_one(delivery))
        self._log_sent_again(request, [delivery.pk], ended)
        return HttpResponseRedirect(reverse("admin:feedbackloops_delivery_change", args=[delivery.pk]))

    @admin.action(description="Send again", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        chosen = list(queryset.order_by("-pk").values_list("pk", flat=True)[:RESENT_AT_ONCE])
        ended = ended_by_loop(chosen)
        self._log_sent_again(request, chosen, ended)
        if count := send_again(chosen):
            self.message_user(request, f"To be sent again, with all attempts before them: {count}.")
        if left := len(chosen) - count:
            self.message_user(request, f"Left as they are, because they are still waiting: {left}.", messages.WARNING)
        if held := _held_loops(chosen):
            self.message_user(request, f"Waiting until the loop sends again: {', '.join(held)}.", messages.WARNING)

    def _log_sent_again(self, request: HttpRequest, deliveries: list[UUID], ended: dict[int, int]) -> None:
        self.log_acts(request, [Delivery(pk=id) for id in deliveries], RESENT)
        for loop in FeedbackLoop.objects.filter(pk__in=ended):
            self.log_acts(request, [loop], sent_again_words(ended[loop.pk]))

    @admin.display(description="Happened")
    def occurred(self, delivery: Delivery) -> str:
        return when(moment_of(delivery.pk))

    @admin.display(description="Event")
    def what(self, delivery: Delivery) -> str:
        event = related(delivery, "event")
        return event.get_type_display() if event else NOTHING

    @admin.display(description="Event id")
    def event_link(self, delivery: Delivery) -> str:
        return related_link(delivery, "event")

    @admin.display(description="Recipient")
    def recipient(self, delivery: Delivery) -> str:
        event = related(delivery, "event")
        message = related(event, "message") if event else None
        return message.recipient if message else NOTHING

    @admin.display(description="Loop")
    def loop_link(self, delivery: Delivery) -> str:
        return related_link(delivery, "loop")

    @admin.display(description="Account")
    def account_link(self, delivery: Delivery) -> str:
        return related_link(delivery, "account")

    @admin.display(description="State")
    def state_shown(self, delivery: Delivery) -> str:
        return badge(DeliveryState(delivery.state).label, STATE_COLOURS.get(delivery.state, ""))

    @admin.display(description="Last outcome")
    def outcome_shown(self, delivery: Delivery) -> str:
        return delivery.get_outcome_display() or NOTHING

    @admin.display(description="Next attempt")
    def due(self, delivery: Delivery) -> str:
        return due_words(delivery, related(delivery, "loop"), now())

    @admin.display(description="State")
    def state_words(self, delivery: Delivery) -> str:
        loop = FeedbackLoop.objects.select_related("lane").filter(pk=delivery.loop_id).first()
        words = delivery_words(delivery, loop, now())
        if delivery.state != DeliveryState.PENDING or loop is None:
            return words
        return f"{words}\nIts loop: {standing(loop, now()).words}"

    @admin.display(description="What the script gets")
    def sent(self, delivery: Delivery) -> str:
        return show_body(delivery)


def _resend_one(delivery: Delivery) -> tuple[str, int]:
    if not send_again([delivery.pk]):
        return "It is still waiting, so it was left as it is.", messages.WARNING
    loop = related(delivery, "loop")
    if loop and (hold := hold_of(loop, now())):
        return f"It is sent again once the loop sends again; now {hold}.", messages.WARNING
    return f"It is sent again now; {len(settings.RETRY_SCHEDULE) + 1} attempts if it fails.", messages.SUCCESS


def _held_loops(deliveries: list[UUID]) -> list[str]:
    ids = set(Delivery.objects.filter(pk__in=deliveries).order_by().values_list("loop_id", flat=True))
    loops = FeedbackLoop.objects.select_related("lane").filter(pk__in=ids).order_by("name")
    held = [f"“{loop.name}” ({hold})" for loop in loops if (hold := hold_of(loop, now()))]
    return held if len(held) <= HELD_NAMED else [f"{len(held)} loops"]


@admin.register(Attempt)
class AttemptAdmin(HistoryPage):
    list_display = ["began", "loop_link", "kind", "number", "outcome", "status_shown", "took", "message"]
    list_display_links = ["began"]
    list_filter = [
        ("loop", LookupFilter),
        ("outcome", ChoicesDropdownFilter),
        ("account", LookupFilter),
        ("id", OccurredFilter),
    ]
    search_help_text = "Whole e-mail address, or any id"
    fields = ["words", "kind", "number", "began", "loop_link", "account_link"]
    fields += ["outcome", "status_shown", "address", "timings", "answer_shown", "id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return super().get_queryset(request).prefetch_related(LOOP_NAMES, "account")

    def ids_named(self, term: str) -> list[UUID]:
        own = as_uuid(term)
        mine = [own] if own else []
        return [*mine, *attempts_of([*mine, *deliveries_of(events_named(term))])]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By when they started: few enough to be sorted. All of the history is in the order of its events."""
        found, repeats = super().get_search_results(request, queryset, search_term)
        return found.order_by("-started", "-id") if search_term.strip() else found, repeats

    @admin.display(description="Started (newest event first)")
    def began(self, attempt: Attempt) -> str:
        return when(attempt.started)

    @admin.display(description="Of")
    def kind(self, attempt: Attempt) -> str:
        return link(Delivery, attempt.delivery_id, "delivery") if attempt.delivery_id else "test call"

    @admin.display(description="Loop")
    def loop_link(self, attempt: Attempt) -> str:
        return related_link(attempt, "loop")

    @admin.display(description="Account")
    def account_link(self, attempt: Attempt) -> str:
        return related_link(attempt, "account")

    @admin.display(description="Status")
    def status_shown(self, attempt: Attempt) -> str:
        return str(attempt.status or NOTHING)

    @admin.display(description="Took")
    def took(self, attempt: Attempt) -> str:
        return seconds(attempt.total)

    @admin.display(description="In words")
    def words(self, attempt: Attempt) -> str:
        return attempt_words(attempt)

    @admin.display(description="Seconds since the start")
    def timings(self, attempt: Attempt) -> str:
        steps = {"name found": attempt.dns, "connected": attempt.connect, "TLS ready": attempt.tls}
        steps |= {"first byte": attempt.first_byte, "done": attempt.total}
        return " · ".join(f"{name} {seconds(value)}" for name, value in steps.items() if value) or NOTHING

    @admin.display(description="Start of the answer")
    def answer_shown(self, attempt: Attempt) -> str:
        return format_html('<pre class="code">{}</pre>', readable(attempt.answer)) if attempt.answer else NOTHING


@admin.register(ParkedEvent)
class ParkedEventAdmin(HistoryPage):
    list_display = ["event", "parked_at", "error"]
    search_help_text = "Event id"
    actions = ["try_again"]
    ordering = ["-event_id"]
    fields = ["event", "parked_at", "error"]

    def ids_named(self, term: str) -> list[UUID]:
        id = as_uuid(term)
        return [id] if id else []

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedbackloops.change_parkedevent")

    @admin.action(description="Try again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[ParkedEvent]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        self.log_acts(request, [ParkedEvent(pk=id) for id in ids], "Asked for it to be tried again.")
        count = unpark(ids)
        transaction.on_commit(partial(doorbell.ring_for_events, ids), robust=True)
        self.message_user(request, f"Being tried again: {count}. Those that fail again come back to this list.")

    @admin.display(description="Event")
    def event(self, parked: ParkedEvent) -> str:
        return link(Event, parked.pk, parked.pk)

    @admin.display(description="Parked")
    def parked_at(self, parked: ParkedEvent) -> str:
        return when(parked.parked)
