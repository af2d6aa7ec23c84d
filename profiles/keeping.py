"""What keeps an object from being deleted: rows that depend on it."""

from collections.abc import Iterator
from typing import Any

from django.db import models


def needing(obj: models.Model) -> Iterator[type[models.Model]]:
    """The models with rows that forbid the object's deletion; one query for each model."""
    relations: list[Any] = [field for field in obj._meta.get_fields(include_hidden=True) if field.auto_created]
    for relation in relations:
        if getattr(relation, "on_delete", None) is models.PROTECT or relation.many_to_many:
            model: type[models.Model] = relation.related_model
            if model._base_manager.filter(**{relation.field.name: obj}).exists():
                yield model


def is_needed(obj: models.Model) -> bool:
    """Whether rows exist that forbid the object's deletion."""
    return any(True for _model in needing(obj))
