from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from profiles.models.people import Account, Database, Profile, validate_fields
from profiles.models.recorded import RecordedQuerySet, as_stored, with_own
from profiles.signals import profiles_changed
from profiles.snapshots import Action, ProfileChange, difference, subprofile_facts, wire_time


class Collection(models.Model):
    """A named set of subprofiles in a database, such as its customers' orders or children."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", editable=False, verbose_name=_("account"))
    # The constraint is a composite one (account_id, database_id), in the migration.
    database = models.ForeignKey(
        Database, models.PROTECT, related_name="collections", db_constraint=False, verbose_name=_("database")
    )
    name = models.CharField(_("name"), max_length=200)
    created = models.DateTimeField(_("created"), default=now, editable=False)

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        ordering = ["database", "name"]
        constraints = [
            models.UniqueConstraint(fields=["database", "name"], name="collection_name_unique_in_database"),
            models.UniqueConstraint(fields=["account", "id"], name="collection_account_id"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.database.name})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the collection, which belongs to its database's account; with subprofiles in it, it stays there."""
        self.account_id = self.database.account_id
        with transaction.atomic():
            before = Collection.objects.select_for_update().filter(pk=self.pk).first()
            if before and before.database_id != self.database_id and self.subprofiles.exists():
                raise ValidationError({"database": _("A collection that has subprofiles stays in its database.")})
            super().save(*args, **kwargs)


class Subprofile(models.Model):
    """One thing that belongs to a profile. Each change is told (`profiles_changed`) in its own transaction."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", editable=False, verbose_name=_("account"))
    # The constraints are composite ones with the account, in the migration.
    profile = models.ForeignKey(
        Profile, models.CASCADE, related_name="subprofiles", db_constraint=False, verbose_name=_("profile")
    )
    collection = models.ForeignKey(
        Collection, models.PROTECT, related_name="subprofiles", db_constraint=False, verbose_name=_("collection")
    )
    fields = models.JSONField(_("fields"), default=dict, blank=True, validators=[validate_fields])
    created = models.DateTimeField(_("created"), default=now, editable=False)
    modified = models.DateTimeField(_("last change"), default=now, editable=False)

    objects = RecordedQuerySet.as_manager()

    class Meta:
        verbose_name = _("subprofile")
        verbose_name_plural = _("subprofiles")
        ordering = ["-id"]

    def __str__(self) -> str:
        return gettext("Subprofile %(number)s") % {"number": self.pk}

    @classmethod
    def locked(cls, pk: int | None) -> "Subprofile | None":
        """What the database holds, unchanged until the transaction ends; None when it is not there."""
        if pk is None:
            return None
        rows = cls._default_manager.select_related("collection").select_for_update(no_key=True, of=("self",))
        return rows.filter(pk=pk).first()

    def clean(self) -> None:
        """Raises ValidationError when profile and collection are not of one database."""
        if self.profile_id and self.collection_id and self.profile.database_id != self.collection.database_id:
            words = _(
                "This collection belongs to another database than the profile. Choose one of the database %(name)s."
            )
            raise ValidationError({"collection": ValidationError(words, params={"name": self.profile.database.name})})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the subprofile and tell what that changed, if anything.

        Raises ValidationError when the fields can't be kept, when profile and collection are not of one database, and
        when it would leave its profile or its collection.
        """
        with transaction.atomic():
            # So that neither of them moves to another database meanwhile, nor goes.
            Profile.locked(self.profile_id)
            list(Collection.objects.select_for_update(no_key=True).filter(pk=self.collection_id))
            before = Subprofile.locked(self.pk)
            self._check(before)
            after = as_stored(self, before, kwargs.get("update_fields"))
            if before and before.fields == after.fields:
                return super().save(*args, **kwargs)
            self.modified = after.modified = now()
            super().save(*args, **with_own(kwargs, "modified"))
            change = after.change(Action.UPDATE if before else Action.CREATE, before)
            profiles_changed.send(Subprofile, changes=[change])
        return None

    def change(self, action: Action, before: "Subprofile | None" = None) -> ProfileChange:
        """This change, as it is told: the subprofile as it now stands, and the parameters that the action set."""
        facts = subprofile_facts(self.profile_id, self.pk, self.collection_id, self.collection.database_id, self.fields)
        if action is not Action.DELETE:
            facts["parameters"] = difference(before.fields if before else {}, self.fields)
            facts |= {"created": wire_time(self.created), "modified": wire_time(self.modified)}
        return ProfileChange(action, self.account_id, facts)

    def _check(self, before: "Subprofile | None") -> None:
        validate_fields(self.fields)
        self.clean()
        if before and (before.profile_id, before.collection_id) != (self.profile_id, self.collection_id):
            raise ValidationError(_("A subprofile stays with its profile and in its collection: make a new one."))
        self.account_id = self.collection.account_id
