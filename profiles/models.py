from collections.abc import Iterable
from typing import Any, NoReturn, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.timezone import now

from profiles.signals import profiles_changed
from profiles.snapshots import (
    Action,
    ProfileChange,
    difference,
    enrichment,
    fields_problem,
    interests_problem,
    wire_time,
)


class Account(models.Model):
    """A customer: owns databases, messages and feedback loops, and never sees another account's."""

    name = models.CharField(max_length=200, unique=True)
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Database(models.Model):
    """A named set of profiles of one account."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="databases")
    name = models.CharField(max_length=200)
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["account", "name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="database_name_unique_in_account"),
            models.UniqueConstraint(fields=["account", "id"], name="database_account_id"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.account})"


def validate_fields(fields: object) -> None:
    """Raise ValidationError unless these can be a profile's fields."""
    if problem := fields_problem(fields):
        raise ValidationError(problem)


def validate_interests(interests: object) -> None:
    """Raise ValidationError unless these can be a profile's interests."""
    if problem := interests_problem(interests):
        raise ValidationError(problem)


class ProfileQuerySet(models.QuerySet["Profile"]):
    """Refuses the shortcuts that would change profiles without recording what happened to them."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("update() records no events: save() each profile, or use profiles.imports.import_profiles().")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("bulk_create() records no events: use profiles.imports.import_profiles().")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("bulk_update() records no events: use profiles.imports.import_profiles().")


class Profile(models.Model):
    """What a customer knows of one person. Every change is told (`profiles_changed`) in the transaction that makes it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", editable=False)
    # The constraint is a composite one (account_id, database_id), in the migration.
    database = models.ForeignKey(Database, models.PROTECT, related_name="profiles", db_constraint=False)
    fields = models.JSONField(default=dict, blank=True, validators=[validate_fields])
    interests = ArrayField(models.TextField(), default=list, blank=True, validators=[validate_interests])
    created = models.DateTimeField(default=now, editable=False)
    modified = models.DateTimeField(default=now, editable=False)

    objects = ProfileQuerySet.as_manager()

    # What the database holds, as far as this object knows: its fields and its interests.
    _before: tuple[dict[str, str], list[str]] = ({}, [])

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "id"], name="profile_account_id")]

    def __str__(self) -> str:
        return f"Profile {self.pk}"

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        profile = super().from_db(*args, **kwargs)
        if not profile.get_deferred_fields() & {"fields", "interests"}:
            profile._remember()
        return profile

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the profile and tell what that changed. Raises ValidationError where fields or interests can't be kept."""
        validate_fields(self.fields)
        validate_interests(self.interests)
        self.account_id = self.database.account_id
        created = self._state.adding
        if not created and not self._differs():
            return super().save(*args, **kwargs)
        self.modified = now()
        with transaction.atomic():
            super().save(*args, **_with_modified(kwargs))
            profiles_changed.send(Profile, changes=[self.change(Action.CREATE if created else Action.UPDATE)])
        self._remember()
        return None

    def change(self, action: Action) -> ProfileChange:
        """This change, as it is told: the profile as it now stands, and the parameters that the action set."""
        facts = enrichment(self.pk, self.database_id, self.fields, self.interests)
        if action is not Action.DELETE:
            before = self._before[0] if action is Action.UPDATE else {}
            facts["parameters"] = difference(before, self.fields)
            facts |= {"created": wire_time(self.created), "modified": wire_time(self.modified)}
        return ProfileChange(action, self.account_id, facts)

    def _differs(self) -> bool:
        return self._before != (self.fields, self.interests)

    def _remember(self) -> None:
        self._before = (dict(self.fields), list(self.interests))


def _with_modified(kwargs: dict[str, Any]) -> dict[str, Any]:
    names: Iterable[str] | None = kwargs.get("update_fields")
    return kwargs if names is None else kwargs | {"update_fields": {*names, "modified"}}
