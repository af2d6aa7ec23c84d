"""Bulk import: the one way to write many profiles at once without losing an event."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from profiles.models import Database, Profile, validate_fields, validate_interests
from profiles.signals import profiles_changed
from profiles.snapshots import Action

BATCH = 1000


def import_profiles(database: Database, rows: Sequence[Mapping[str, Any]]) -> list[Profile]:
    """Create a profile for each row (`fields`: a map, `interests`: a list, both optional), in the rows' order.

    All or nothing: one transaction, with a `create` event for each. Raises ValidationError, naming the row by its
    number from 1, before anything is written.
    """
    profiles = [_profile(database, number, row) for number, row in enumerate(rows, start=1)]
    with transaction.atomic():
        for start in range(0, len(profiles), BATCH):
            _insert(profiles[start : start + BATCH])
    return profiles


def _profile(database: Database, number: int, row: Mapping[str, Any]) -> Profile:
    try:
        _check_names(row)
        fields, interests = row.get("fields", {}), row.get("interests", [])
        validate_fields(fields)
        validate_interests(interests)
    except ValidationError as error:
        raise ValidationError(f"Row {number}: {' '.join(error.messages)} Nothing was imported.") from error
    profile = Profile(account_id=database.account_id, database=database, fields=dict(fields), interests=list(interests))
    profile.follow_fields(profile.fields)
    return profile


def _check_names(row: object) -> None:
    if not isinstance(row, Mapping):
        raise ValidationError("A row is a map that has 'fields' and 'interests'.")
    if unknown := sorted(map(repr, row.keys() - {"fields", "interests"})):
        raise ValidationError(f"{unknown[0]:.40} is not part of a row; a row has 'fields' and 'interests'.")


def _insert(profiles: list[Profile]) -> None:
    # The manager's own bulk_create refuses, since it would record nothing; here the telling follows at once.
    QuerySet.bulk_create(Profile.objects.all(), profiles)
    profiles_changed.send(Profile, changes=[profile.change(Action.CREATE) for profile in profiles])
