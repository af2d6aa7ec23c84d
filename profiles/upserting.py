"""Profiles as a program tells them: those that are there are changed, the others made, in few questions for many."""

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from profiles.addresses import address_in
from profiles.models import Database, Profile, validate_fields, validate_interests
from profiles.signals import profiles_changed, tracking_changed
from profiles.snapshots import Action


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one profile: the one with this number, else with the address in `fields`, else a new one.

    Without `interests` they stay as they are; `replaces` says whether fields that are not told go.
    """

    fields: dict[str, str] = field(default_factory=dict)
    interests: list[str] | None = None
    number: int | None = None
    replaces: bool = False


@dataclass(slots=True)
class Upserted:
    """A profile as it now is, and what was done to it; None: nothing, it was so already."""

    profile: Profile
    before: Profile | None

    @property
    def action(self) -> Action | None:
        """What was done."""
        if self.before is None:
            return Action.CREATE
        same = (self.before.fields, list(self.before.interests)) == (self.profile.fields, list(self.profile.interests))
        return None if same else Action.UPDATE


def upsert_profiles(database: Database, rows: Sequence[Told]) -> list[Upserted]:
    """Change or make a profile of this database for each row, in the rows' order, with an event for each that changed.

    All or nothing. Raises ValidationError, with the number of the row from 0 as its code, before anything is written.
    """
    _check(rows)
    with transaction.atomic():
        # Whoever tells of the same person at the same time waits here, and finds the profile.
        database = Database.objects.select_for_update(no_key=True).get(pk=database.pk)
        done = _applied(database, rows)
        each = list({id(one): one for one in done}.values())
        _insert([one.profile for one in each if one.action is Action.CREATE])
        _update([one.profile for one in each if one.action is Action.UPDATE])
        moved = [one.profile.pk for one in each if one.before and one.before.tracked != one.profile.tracked]
        if moved:
            tracking_changed.send(Profile, profiles=moved)
        changes = [one.profile.change(one.action, one.before) for one in each if one.action]
        if changes:
            profiles_changed.send(Profile, changes=changes)
    return done


def _check(rows: Sequence[Told]) -> None:
    for place, row in enumerate(rows):
        try:
            validate_fields(row.fields)
            validate_interests(row.interests or [])
        except ValidationError as error:
            raise ValidationError(" ".join(error.messages), code=str(place)) from error


def _applied(database: Database, rows: Sequence[Told]) -> list[Upserted]:
    """The profiles that are meant, changed as told, and not written yet."""
    addresses = [address_in(row.fields, database.email_field) for row in rows]
    by_number, by_address = _found(database, rows, addresses)
    done = []
    for place, (row, address) in enumerate(zip(rows, addresses, strict=True)):
        one = by_number.get(row.number) if row.number is not None else by_address.get(address)
        if one is None and row.number is not None:
            raise ValidationError(f"This database has no profile {row.number}.", code=str(place))
        one = one or Upserted(Profile(account_id=database.account_id, database=database), None)
        _apply(database, one.profile, row)
        if one.profile.address:
            by_address[one.profile.address] = one
        done.append(one)
    return done


def _found(
    database: Database, rows: Sequence[Told], addresses: Sequence[str]
) -> tuple[dict[int | None, Upserted], dict[str, Upserted]]:
    numbers = [row.number for row in rows if row.number is not None]
    looked_up = {address for address, row in zip(addresses, rows, strict=True) if address and row.number is None}
    wanted = Q(pk__in=numbers) | Q(address__in=looked_up, account_id=database.account_id)
    found = Profile.objects.filter(wanted, database=database).order_by("pk").select_for_update(no_key=True)
    done = [Upserted(profile, copy(profile)) for profile in found]
    # Of several with one address, it is the newest.
    by_address = {one.profile.address: one for one in done if one.profile.address in looked_up}
    return {one.profile.pk: one for one in done}, by_address


def _apply(database: Database, profile: Profile, row: Told) -> None:
    profile.fields = dict(row.fields) if row.replaces else profile.fields | row.fields
    if row.interests is not None:
        profile.interests = list(row.interests)
    profile.database = database
    profile.modified = now()
    profile.follow_fields(profile.fields)


def _insert(profiles: list[Profile]) -> None:
    if profiles:
        QuerySet.bulk_create(Profile.objects.all(), profiles)


_UPDATE = """
UPDATE profiles_profile p
SET fields = v.fields, interests = v.interests, address = v.address, tracked = v.tracked, modified = v.modified
FROM jsonb_to_recordset(%s::jsonb)
    AS v (id bigint, fields jsonb, interests text[], address text, tracked boolean, modified timestamptz)
WHERE p.id = v.id
"""


def _update(profiles: list[Profile]) -> None:
    if profiles:
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE, [json.dumps([_columns(profile) for profile in profiles])])


def _columns(profile: Profile) -> dict[str, Any]:
    texts = {"fields": profile.fields, "interests": list(profile.interests), "address": profile.address}
    return {"id": profile.pk, "tracked": profile.tracked, "modified": profile.modified.isoformat(), **texts}
