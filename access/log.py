"""The log of what staff did, as far as its reader may see what it is about."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from access.reach import limit, sees_all

_LOOKED_THROUGH: Final = 200


def recent_actions(user: Any, most: int) -> list[LogEntry]:
    """What this user did last, the newest first. What is deleted belongs to no account any more: it shows to those
    only who see all of them."""
    entries = LogEntry.objects.filter(user=user).select_related("content_type", "user")
    if sees_all(user):
        return list(entries[:most])
    found = list(entries[:_LOOKED_THROUGH])
    seen = _seen(user, found)
    return [entry for entry in found if (entry.content_type_id, entry.object_id) in seen][:most]


def _seen(user: Any, entries: Sequence[LogEntry]) -> set[tuple[int | None, str | None]]:
    ids: dict[ContentType, set[Any]] = defaultdict(set)
    for entry in entries:
        if entry.content_type and entry.content_type.model_class():
            ids[entry.content_type].add(entry.object_id)
    return {
        (kind.pk, str(pk))
        for kind, chosen in ids.items()
        if (model := kind.model_class())
        for pk in limit(model._base_manager.filter(pk__in=chosen), user).values_list("pk", flat=True)
    }
