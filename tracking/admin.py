from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from access.reach import sees_all
from profiles.models import Profile
from profiles.pages import LookupFilter, Page, UnwrittenPage
from profiles.showing import NOTHING, link, related_link, when
from tracking.browsing import (
    SOURCE_LOOKUPS,
    HistoryPage,
    OccurredFilter,
    PersonColumn,
    as_uuid,
    events_named,
    events_of,
)
from tracking.ids import moment_of
from tracking.mailids import normal_message_id
from tracking.models import Block, Event, Message
from tracking.unreadpages import UnreadMailAdmin

__all__ = ["BlockAdmin", "EventAdmin", "MessageAdmin", "UnreadMailAdmin"]

EVENTS_SHOWN = 50
BLOCK_HELP = {
    "kind": {
        "help_text": _(
            "Whose links lead nowhere within seconds: those of one mail, those of all mails of an account, or all that "
            "lead to a place. The pixels of those mails and of that account count no opens, either."
        )
    },
    "value": {
        "help_text": _(
            "A message: its id. An account: its number. A target: a host, which stands for those under it as well "
            "(example.com), or how URLs on one host begin (https://example.com/shop/); scheme and port don't matter."
        )
    },
    "reason": {"help_text": _("For your colleagues. Recipients don't see it.")},
}


@admin.register(Message)
class MessageAdmin(UnwrittenPage):
    """Messages are registered by the mail system: staff look at them, and may delete them."""

    list_display = ["sent", "recipient", "account", "profile_link", "tags_shown", "id"]
    list_display_links = ["sent", "recipient"]
    list_filter = [("account", LookupFilter), ("id", OccurredFilter)]
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["id"]
    search_help_text = _("How the address begins, or an id: ours, the Message-ID, the ESP's")
    fields = [
        "id",
        "sent",
        "recipient",
        "subject_shown",
        "account",
        "profile_link",
        "tags_shown",
        "source",
        "is_tracked",
        "header_id",
        "esp_id",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).select_related("account")

    def matches(self, queryset: Any, term: str) -> Any:
        """By one of its ids, or by how the address begins: each through an index of its own."""
        named = Q(internet_message_id=normal_message_id(term) or None) | Q(esp_message_id=term)
        if id := as_uuid(term):
            # ESPs, too, have ids like ours.
            return queryset.filter(Q(pk=id) | named)
        return queryset.alias(address=Lower("recipient")).filter(Q(address__startswith=term.lower()) | named)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        newest = sorted(events_of([context["original"].pk]), reverse=True)[:EVENTS_SHOWN]
        context["events"] = Event.objects.filter(pk__in=newest)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("Registered"))
    def sent(self, message: Message) -> str:
        return when(message.created)

    @admin.display(description=_("Profile"))
    def profile_link(self, message: Message) -> str:
        return link(Profile, message.profile_id, message.profile_id) if message.profile_id else NOTHING

    @admin.display(description=_("Tags"))
    def tags_shown(self, message: Message) -> str:
        return ", ".join(message.tags) or NOTHING

    @admin.display(description=_("Subject"))
    def subject_shown(self, message: Message) -> str:
        return message.subject or NOTHING

    @admin.display(description=_("Opens and clicks"))
    def is_tracked(self, message: Message) -> str:
        return gettext("seen by our pixel and our links") if message.tracked else gettext("not tracked by us")

    @admin.display(description="Message-ID")
    def header_id(self, message: Message) -> str:
        return message.internet_message_id or NOTHING

    @admin.display(description=_("Id at the ESP"))
    def esp_id(self, message: Message) -> str:
        return message.esp_message_id or NOTHING


@admin.register(Event)
class EventAdmin(PersonColumn, HistoryPage):
    list_display = ["occurred", "type", "recipient", "account_link", "id"]
    list_display_links = ["occurred", "id"]
    list_filter = [("type", ChoicesDropdownFilter), ("account", LookupFilter), ("id", OccurredFilter)]
    search_help_text = _("Whole e-mail address, or any id")
    fields = ["id"]

    class Media:
        css = {"all": ["marketingsuite/history.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        recipients = Prefetch("message", Message.objects.only("recipient"))
        return super().get_queryset(request).prefetch_related("account", recipients)

    def event_of(self, row: Event) -> Event:
        return row

    def ids_named(self, term: str) -> list[UUID]:
        return events_named(term)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Pages of what tells us of events lead here to those."""
        return lookup in SOURCE_LOOKUPS or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("Happened"))
    def occurred(self, event: Event) -> str:
        return when(moment_of(event.pk))

    @admin.display(description=_("Account"))
    def account_link(self, event: Event) -> str:
        return related_link(event, "account")


@admin.register(Block)
class BlockAdmin(Page):
    """Links that lead nowhere: within seconds after one is added here, and again once it is deleted."""

    list_display = ["value", "kind", "reason", "since", "created_by"]
    list_select_related = ["created_by"]
    list_filter = [("kind", ChoicesDropdownFilter)]
    search_fields = ["value", "reason"]
    search_help_text = _("Part of the value or of the reason")

    def get_fields(self, request: HttpRequest, obj: Block | None = None) -> Any:
        return ["kind", "value", "reason", *(["since", "created_by"] if obj else [])]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A block holds for all accounts, so it is not for who sees some only."""
        return super().has_add_permission(request) and sees_all(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Block | None = None) -> list[str]:
        """To block something else, add it, and delete what is no longer to be blocked."""
        return ["since", "created_by", *(["kind", "value"] if obj else [])]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_dbfield(db_field, request, **kwargs | BLOCK_HELP.get(db_field.name, {}))

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # nobody comes here without having logged in
        super().save_model(request, obj, form, change)

    @admin.display(description=_("Blocked"), ordering="created")
    def since(self, block: Block) -> str:
        return when(block.created)
