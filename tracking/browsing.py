"""Pages of the history: read only, and found through indexes however long the history is."""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext_lazy as _
from psycopg.errors import QueryCanceled
from unfold.contrib.filters.admin import RangeDateTimeFilter

from access.reach import sees_all
from profiles.pages import ReadPage
from profiles.showing import NOTHING
from tracking.ids import first_id_at
from tracking.models import Event, Message
from tracking.persons import persons_of

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    Base = ReadPage
else:
    Base = object

MOST_MESSAGES = 1000
MOST_EVENTS = 5000
# What told us of an event, and by which webhook, in the address of their list.
SOURCE_LOOKUPS = ("data__source", "data__webhook")
TOO_MUCH = _("Finding that would have taken too long, so all are shown. Choose a loop or a stretch of time as well.")
TOO_MUCH_FOR_SOME = _("Finding that would have taken too long, so only the last day is shown.")
TOO_MUCH_FOR_A_DAY = _("Finding that would have taken too long. Choose a loop as well, or a shorter stretch of time.")


def as_uuid(term: str) -> UUID | None:
    """The id that somebody typed or pasted, if it is one."""
    try:
        return UUID(term.strip())
    except ValueError:
        return None


def messages_to(recipient: str) -> list[UUID]:
    """The newest messages to this address, whatever the case of its letters."""
    found = Message.objects.alias(address=Lower("recipient")).filter(address=Lower(Value(recipient.strip())))
    return list(found.order_by("-id").values_list("pk", flat=True)[:MOST_MESSAGES])


def events_of(messages: list[UUID]) -> list[UUID]:
    """The events of these messages, in no order."""
    # With an order and a limit, PostgreSQL would rather walk through all of the history in that order.
    found = Event.objects.filter(message_id__in=messages).order_by()
    return list(found.values_list("pk", flat=True)[:MOST_EVENTS])


def events_named(term: str) -> list[UUID]:
    """The events that a search means: by the event's id, the message's id or the recipient."""
    if id := as_uuid(term):
        return [id, *events_of([id])]
    return events_of(messages_to(term)) if "@" in term else []


class OccurredFilter(RangeDateTimeFilter):  # type: ignore[misc]  # unfold carries no types
    """By time, which the ids carry: so it reads only the partitions of those days."""

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        # The parent looks for a column with a time; this one stands for what is in the id.
        super().__init__(DateTimeField(_("time")), request, params, model, model_admin, "occurred")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Raises IncorrectLookupParameters for what is not a date or a time."""
        try:
            if start := self._moment("from", time.min):
                queryset = queryset.filter(pk__gte=first_id_at(start))
            if end := self._moment("to", time(23, 59, 59)):
                # The second that was named is part of what was asked for.
                queryset = queryset.filter(pk__lt=first_id_at(end + timedelta(seconds=1)))
        except (ValueError, OverflowError) as error:
            # Ids begin in 1970 and calendars end in 9999.
            raise IncorrectLookupParameters(error) from error
        return queryset

    def _moment(self, side: str, default: time) -> datetime | None:
        try:
            day = forms.DateField(required=False).clean(self._value(f"occurred_{side}_0"))
            hour = forms.TimeField(required=False).clean(self._value(f"occurred_{side}_1"))
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
        return make_aware(datetime.combine(day, hour or default)) if day else None

    def _value(self, name: str) -> str:
        value = self.used_parameters.get(name) or ""
        return value[0] if isinstance(value, list) else value


def _elsewhere(request: HttpRequest) -> "tuple[str, StrPromise]":
    """A list that opens, and why: all of it; for those who see some accounts, whose rows may be far apart, one day."""
    if sees_all(request.user):
        return request.path, TOO_MUCH
    if request.GET.get("occurred_from_0"):
        return reverse("admin:index"), TOO_MUCH_FOR_A_DAY
    return f"{request.path}?occurred_from_0={localtime() - timedelta(days=1):%Y-%m-%d}", TOO_MUCH_FOR_SOME


class HistoryPage(ReadPage):
    """A list and pages of things that happened: nobody adds, changes or deletes them here."""

    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["id"]
    # Choosing all of them would mean all of the history.
    list_disable_select_all = True
    PATIENCE_MS = 15_000
    warn_unsaved_form = False

    def ids_named(self, term: str) -> list[UUID]:
        """The objects that a search means. A page implements this."""
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, unless a filter that no index serves finds so little that PostgreSQL reads on and on."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = %s", [self.PATIENCE_MS])
                response = super().changelist_view(request, extra_context)
                return response.render() if isinstance(response, TemplateResponse) else response
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
        address, words = _elsewhere(request)
        self.message_user(request, words, messages.ERROR)
        return HttpResponseRedirect(address)

    def matches(self, queryset: Any, term: str) -> Any:
        """The objects with these ids."""
        return queryset.filter(pk__in=self.ids_named(term))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may send things again may see them; that right is called `change` among Django's permissions."""
        app, model = self.opts.app_label, self.opts.model_name
        return super().has_view_permission(request, obj) or request.user.has_perm(f"{app}.change_{model}")


class PersonColumn(Base):
    """A list of events, or of what follows from them, with the column `recipient`: whom each is about."""

    def event_of(self, row: Any) -> Event | None:
        """The event of a row, fetched before with its message; None where it is gone. A page implements this."""
        raise NotImplementedError

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist: Any = super().get_changelist_instance(request)
        rows = changelist.result_list = list(changelist.result_list)
        events = [(row, self.event_of(row)) for row in rows]
        persons = persons_of([event for _row, event in events if event])
        for row, event in events:
            row.person = persons[event.pk] if event else NOTHING
        return changelist

    @admin.display(description=_("Recipient"))
    def recipient(self, row: Any) -> str:
        return str(row.person)
