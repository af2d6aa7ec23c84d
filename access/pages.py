"""What limits the pages of the dashboard to the accounts that their reader may see."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from access.reach import limit

if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin as _BaseModelAdmin

    Base = _BaseModelAdmin[Any]
else:
    Base = object


class LimitedChoices(Base):
    """Forms offer, and take, only what their reader may see."""

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """What a foreign key or a many-to-many field may lead to."""
        ordered: QuerySet[Any] | None = super().get_field_queryset(db, db_field, request)
        rows = db_field.remote_field.model._default_manager.using(db) if ordered is None else ordered
        return limit(rows, request.user)


class Limited(LimitedChoices):
    """Lists, pages, actions, searches and autocompletes have no rows but those that their reader may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return limit(super().get_queryset(request), request.user)

    def log_acts(self, request: HttpRequest, objects: Iterable[Model], words: str) -> None:
        """Note in the log of each object what was done to it at the press of a button."""
        LogEntry.objects.log_actions(request.user.pk, objects, CHANGE, words)  # type: ignore[arg-type]
