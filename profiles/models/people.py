from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Value
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from profiles.addresses import LONGEST_ADDRESS, address_in
from profiles.consent import NOT_ASKED, OPT_IN, OPT_OUT, consents
from profiles.following import follow_address, follow_consent
from profiles.models.recorded import RecordedQuerySet, as_stored, with_own
from profiles.origins import origin_problem
from profiles.positions import Position
from profiles.saying import said
from profiles.signals import profiles_changed, tracking_changed
from profiles.snapshots import (
    Action,
    ProfileChange,
    difference,
    enrichment,
    fields_problem,
    interests_problem,
    wire_time,
)


def validate_origin(url: str) -> None:
    """Raise ValidationError unless links can begin with this."""
    if origin_problem(url):
        words = _(
            "This has to be http:// or https:// and a host, with nothing behind, such as https://click.example.com."
        )
        raise ValidationError(words)


class IPAddresses(models.TextChoices):
    """How much of the address is kept that an open, a click or an unsubscribe comes from."""

    WHOLE = "whole", _("Whole")
    SHORTENED = "shortened", _("Shortened to its network (IPv4: the first 24 bits, IPv6: the first 48)")
    NONE = "none", _("Not at all")


class Account(models.Model):
    """A customer: owns databases, messages and feedback loops, and never sees another account's."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    # What pixels and links of its mails begin with; empty: TRACKING_URL.
    tracking_url = models.CharField(
        _("tracking domain"), max_length=300, blank=True, default="", db_default="", validators=[validate_origin]
    )
    # Whether mails that are registered for it get our pixel and our links; what was sent before stays as it is.
    tracks_mail = models.BooleanField(_("track opens and clicks"), default=True, db_default=True)
    ip_addresses = models.CharField(
        _("IP addresses are kept"),
        max_length=9,
        choices=IPAddresses,
        default=IPAddresses.WHOLE,
        db_default=IPAddresses.WHOLE,
    )
    created = models.DateTimeField(_("created"), default=now, editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(ip_addresses__in=IPAddresses.values), name="account_ip_addresses")
        ]

    def __str__(self) -> str:
        return self.name


class Consent(models.TextChoices):
    """Which profiles of a database have their opens and clicks seen."""

    NOT_ASKED = NOT_ASKED, _("All: consent is not asked for")
    OPT_OUT = OPT_OUT, _("All but those whose field says no")
    OPT_IN = OPT_IN, _("Only those whose field says yes")


class OnUnsubscribe(models.TextChoices):
    """What an unsubscribe does to the profile of its recipient."""

    NOTHING = "nothing", _("Nothing: the customer's script does it")
    SET = "set", _("Set fields")
    REMOVE = "remove", _("Remove the profile")


def validate_fields(fields: object) -> None:
    """Raise ValidationError unless these can be a profile's fields."""
    if problem := fields_problem(fields):
        raise ValidationError(said(problem))


class Database(models.Model):
    """A named set of profiles of one account."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="databases", verbose_name=_("account"))
    name = models.CharField(_("name"), max_length=200)
    # Whose mail it is, is found by it. Profiles keep the address apart, for the index.
    email_field = models.CharField(
        _("field with the e-mail address"), max_length=200, blank=True, default="email", db_default="email"
    )
    on_unsubscribe = models.CharField(
        _("an unsubscribe does"),
        max_length=7,
        choices=OnUnsubscribe,
        default=OnUnsubscribe.NOTHING,
        db_default=OnUnsubscribe.NOTHING,
    )
    unsubscribe_fields = models.JSONField(
        _("fields that it sets"),
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        validators=[validate_fields],
    )
    consent = models.CharField(
        _("opens and clicks are seen of"),
        max_length=9,
        choices=Consent,
        default=Consent.NOT_ASKED,
        db_default=Consent.NOT_ASKED,
    )
    consent_field = models.CharField(_("field with the consent"), max_length=200, blank=True, default="", db_default="")
    created = models.DateTimeField(_("created"), default=now, editable=False)

    class Meta:
        verbose_name = _("database")
        verbose_name_plural = _("databases")
        ordering = ["account", "name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="database_name_unique_in_account"),
            models.UniqueConstraint(fields=["account", "id"], name="database_account_id"),
            models.CheckConstraint(
                condition=models.Q(on_unsubscribe__in=OnUnsubscribe.values), name="database_on_unsubscribe"
            ),
            models.CheckConstraint(
                condition=models.Q(consent=Consent.NOT_ASKED)
                | (models.Q(consent__in=Consent.values) & ~models.Q(consent_field="")),
                name="database_consent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.account})"

    def clean(self) -> None:
        """Raises ValidationError where fields are to be set, and none is named."""
        if self.on_unsubscribe == OnUnsubscribe.SET and not self.unsubscribe_fields:
            raise ValidationError({"unsubscribe_fields": _("Say which fields an unsubscribe sets, and to what.")})
        if self.consent != Consent.NOT_ASKED and not self.consent_field:
            raise ValidationError({"consent_field": _("Name the field that says whether a person consents.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError when the fields to be set can't be kept."""
        validate_fields(self.unsubscribe_fields)
        with transaction.atomic():
            before = Database.objects.select_for_update(no_key=True).filter(pk=self.pk).first()
            super().save(*args, **kwargs)
            if before and before.email_field != self.email_field:
                follow_address(self.pk, self.email_field)
            if before and (before.consent, before.consent_field) != (self.consent, self.consent_field):
                follow_consent(self.pk, self.consent, self.consent_field)
                tracking_changed.send(Database, database=self.pk)


def validate_interests(interests: object) -> None:
    """Raise ValidationError unless these can be a profile's interests."""
    if problem := interests_problem(interests):
        raise ValidationError(said(problem))


# What follows from the fields, or tells of the change: save() sets it.
SET_BY_SAVE = ("modified", "address", "tracked")


class ProfileQuerySet(RecordedQuerySet["Profile"]):
    """Refuses what would change profiles behind everybody's back."""

    instead = "save() each profile, or use profiles.imports.import_profiles()"


class Profile(models.Model):
    """What a customer knows of one person. Each change is told (`profiles_changed`) in its own transaction."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", editable=False, verbose_name=_("account"))
    # The constraint is a composite one (account_id, database_id), in the migration.
    database = models.ForeignKey(
        Database,
        models.PROTECT,
        related_name="profiles",
        db_constraint=False,
        db_index=False,
        verbose_name=_("database"),
    )
    fields = models.JSONField(_("fields"), default=dict, blank=True, validators=[validate_fields])
    interests = ArrayField(
        models.TextField(), verbose_name=_("interests"), default=list, blank=True, validators=[validate_interests]
    )
    # What its field with the e-mail address holds, as it is looked up.
    address = models.CharField(_("address"), max_length=LONGEST_ADDRESS, editable=False, default="", db_default="")
    # Whether opens and clicks of its person are seen: what its fields say, by the rule of its database.
    tracked = models.BooleanField(_("opens and clicks are seen"), editable=False, default=True, db_default=True)
    created = models.DateTimeField(_("created"), default=now, editable=False)
    modified = models.DateTimeField(_("last change"), default=now, editable=False)
    # Its place in the order in which they were made (tracking.positions).
    position = models.BigIntegerField(db_default=Position(), editable=False)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "id"], name="profile_account_id")]
        indexes = [
            models.Index(fields=["address", "account"], name="profile_by_address", condition=~models.Q(address="")),
            models.Index(fields=["database", "position", "id"], name="profile_recording"),
        ]

    def __str__(self) -> str:
        return gettext("Profile %(number)s") % {"number": self.pk}

    @classmethod
    def locked(cls, pk: int | None) -> "Profile | None":
        """What the database holds, unchanged until the transaction ends; None when it is not there."""
        return None if pk is None else cls._default_manager.select_for_update(no_key=True).filter(pk=pk).first()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the profile and tell what that changed, if anything.

        Raises ValidationError when fields or interests can't be kept, or when the database is another account's.
        """
        with transaction.atomic():
            # Not what this object was loaded with: that may be a part only, or have been changed by another since.
            before = Profile.locked(self.pk)
            self._check(before)
            after = as_stored(self, before, kwargs.get("update_fields"))
            if before and before._same_as(after):
                self.address, self.tracked = before.address, before.tracked
                return super().save(*args, **kwargs)
            self.modified = after.modified = now()
            self.follow_fields(after.fields)
            super().save(*args, **with_own(kwargs, *SET_BY_SAVE))
            if before and before.tracked != self.tracked:
                tracking_changed.send(Profile, profiles=[self.pk])
            profiles_changed.send(Profile, changes=[after.change(Action.UPDATE if before else Action.CREATE, before)])
        return None

    def follow_fields(self, fields: dict[str, str]) -> None:
        """Set what follows from the fields, by the rules of the database."""
        self.address = address_in(fields, self.database.email_field)
        self.tracked = consents(fields, self.database.consent, self.database.consent_field)

    def change(self, action: Action, before: "Profile | None" = None) -> ProfileChange:
        """This change, as it is told: the profile as it now stands, and the parameters that the action set."""
        facts = enrichment(self.pk, self.database_id, self.fields, self.interests)
        if action is not Action.DELETE:
            facts["parameters"] = difference(before.fields if before else {}, self.fields)
            facts |= {"created": wire_time(self.created), "modified": wire_time(self.modified)}
        return ProfileChange(action, self.account_id, facts)

    def _check(self, before: "Profile | None") -> None:
        validate_fields(self.fields)
        validate_interests(self.interests)
        if before and before.account_id != self.database.account_id:
            raise ValidationError(_("A profile stays in its account: choose a database of the same account."))
        if before and before.database_id != self.database_id and before.subprofiles.exists():
            raise ValidationError(_("A profile that has subprofiles stays in its database."))
        self.account_id = self.database.account_id

    def _same_as(self, other: "Profile") -> bool:
        return (self.database_id, self.fields, list(self.interests)) == (
            other.database_id,
            other.fields,
            list(other.interests),
        )
