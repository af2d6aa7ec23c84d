"""What limits the pages of the dashboard to the accounts that their reader may see."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.widgets import AutocompleteMixin
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest

from access.reach import limit

if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin as _BaseModelAdmin

    Base = _BaseModelAdmin[Any]
else:
    Base = object


class _Tolerant:
    """A field that is found by typing, which comes back with its error when what was chosen is no key at all."""

    def optgroups(self, name: str, value: Sequence[Any], attrs: Any = None) -> Any:
        """What to show as chosen."""
        key = self.choices.queryset.model._meta.pk  # type: ignore[attr-defined]
        return super().optgroups(name, [each for each in value if is_key(key, each)], attrs)  # type: ignore[misc]


def is_key(field: "Field[Any, Any]", value: Any) -> bool:
    """Whether the value can be one of this primary key."""
    try:
        field.clean(value, None)
    except ValidationError:
        return False
    return True


@cache
def _tolerant(widget: type[AutocompleteMixin]) -> type[AutocompleteMixin]:
    return type(widget.__name__, (_Tolerant, widget), {})


class LimitedChoices(Base):
    """Forms offer, and take, only what their reader may see."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The field of a form; Django's own finds nothing but an error for a key that can't be one."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        widget = getattr(getattr(field, "widget", None), "widget", getattr(field, "widget", None))
        if isinstance(widget, AutocompleteMixin):
            widget.__class__ = _tolerant(type(widget))  # type: ignore[arg-type]  # as if a class had no hash
        return field

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """What a foreign key or a many-to-many field may lead to."""
        ordered: QuerySet[Any] | None = super().get_field_queryset(db, db_field, request)
        rows = db_field.remote_field.model._default_manager.using(db) if ordered is None else ordered
        return limit(rows, request.user)


class Limited(LimitedChoices):
    """Lists, pages, actions, searches and autocompletes have no rows but those that their reader may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return limit(super().get_queryset(request), request.user)

    def log_acts(self, request: HttpRequest, objects: Iterable[Model], words: str | list[Any]) -> None:
        """Note in the log of each object what was done to it at the press of a button, in words or as Django does."""
        LogEntry.objects.log_actions(request.user.pk, objects, CHANGE, words)  # type: ignore[arg-type]
