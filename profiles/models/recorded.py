"""What profiles and subprofiles have in common: each change of theirs is told, in its own transaction."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, NoReturn, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)


class RecordedQuerySet(models.QuerySet[M]):
    """Refuses the shortcuts that would change rows without recording what happened to them."""

    # What to do instead.
    instead = "save() each of them"

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError(f"update() records no events: {self.instead}.")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"bulk_create() records no events: {self.instead}.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"bulk_update() records no events: {self.instead}.")


def as_stored(row: M, before: M | None, names: Iterable[str] | None) -> M:
    """What the database holds once these fields (None: all) of the row are written over `before`."""
    if before is None or names is None:
        return row
    stored = copy(before)
    for name in names:
        setattr(stored, name, getattr(row, name))
    return stored


def with_own(kwargs: Mapping[str, Any], *own: str) -> dict[str, Any]:
    """The arguments of save(), with the fields that it sets itself among those that are written."""
    names: Iterable[str] | None = kwargs.get("update_fields")
    return dict(kwargs) if names is None else {**kwargs, "update_fields": {*names, *own}}
