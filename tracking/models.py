from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from profiles.models import Account, Profile
from profiles.saying import said
from tracking.blocking import KINDS, Kind, normal_value
from tracking.ids import moment_of, new_id
from tracking.mailids import LONGEST_MESSAGE_ID
from tracking.positions import Position

SUBJECT_SHOWN = 250


class EventType(models.TextChoices):
    """What can happen, in the words of the wire contract."""

    CLICK = "click", _("Click")
    OPEN = "open", _("Open")
    DELIVERY = "delivery", _("Delivery")
    FAILURE = "failure", _("Failure")
    BOUNCE = "bounce", _("Bounce")
    ABUSE = "abuse", _("Abuse")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribe")
    CREATE = "create", _("Create")
    UPDATE = "update", _("Update")
    DELETE = "delete", _("Delete")


class Source(models.TextChoices):
    """What registered a message."""

    PROGRAM = "program", _("a program, by register()")
    COMMAND = "command", _("manage.py track_mail")
    DJANGO_MAIL = "django-mail", _("Django's mail, on its way out")
    API = "api", _("the API")
    ESP = "esp", _("an ESP that told of it")


BLOCKED = [
    (Kind.MESSAGE.value, _("Message")),
    (Kind.ACCOUNT.value, _("Account")),
    (Kind.TARGET.value, _("Target")),
]


class Message(models.Model):
    """One mail to one recipient."""

    id = models.UUIDField(_("id"), primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name=_("account"))
    # The constraint is a composite one (account_id, profile_id), in the migration: the database refuses another
    # account's profile, and sets the column to NULL when the profile goes.
    profile = models.ForeignKey(
        Profile,
        models.DO_NOTHING,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=True,
        verbose_name=_("profile"),
    )
    recipient = models.CharField(_("recipient"), max_length=320)
    tags = ArrayField(models.CharField(max_length=200), verbose_name=_("tags"), default=list, blank=True)
    created = models.DateTimeField(_("created"), default=now, editable=False)
    source = models.CharField(
        _("registered by"), max_length=20, choices=Source, default=Source.PROGRAM, db_default=Source.PROGRAM
    )
    # Whether its HTML has our pixel and our links.
    tracked = models.BooleanField(_("tracked"), default=True, db_default=True)
    subject = models.CharField(_("subject"), max_length=SUBJECT_SHOWN, blank=True, default="", db_default="")
    # The Message-ID of its header (RFC 5322, 3.6.4), without the angle brackets.
    internet_message_id = models.CharField(
        "Message-ID", max_length=LONGEST_MESSAGE_ID, blank=True, default="", db_default=""
    )
    # The name that the ESP which sends it has given it.
    esp_message_id = models.CharField(
        _("id at the ESP"), max_length=LONGEST_MESSAGE_ID, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        indexes = [
            # The operator class serves the search for a beginning, too, whatever the database's collation.
            models.Index(OpClass(models.functions.Lower("recipient"), "text_pattern_ops"), name="message_recipient"),
            models.Index(
                fields=["internet_message_id"], name="message_header_id", condition=~models.Q(internet_message_id="")
            ),
            models.Index(fields=["esp_message_id"], name="message_esp_id", condition=~models.Q(esp_message_id="")),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Event(models.Model):
    """Something that happened to a mail or a profile. Never updated; partitioned by day on its id."""

    id = models.UUIDField(_("id"), primary_key=True, default=new_id, editable=False)
    type = models.CharField(_("type"), max_length=12, choices=EventType)
    # History outlives what it is about: no constraint ties it to accounts and messages.
    account = models.ForeignKey(
        Account,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("account"),
    )
    message = models.ForeignKey(
        Message,
        models.DO_NOTHING,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("message"),
    )
    # What we saw, in the names of the wire contract.
    data = models.JSONField(default=dict)
    recorded = models.DateTimeField(db_default=Now())
    # Its place in the order of recording (tracking.positions): what comes late stands behind what came before it.
    position = models.BigIntegerField(db_default=Position(), editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["message"], name="event_message"),
            models.Index(fields=["account", "position", "id"], name="event_recording"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def occurred_at(self) -> datetime:
        """When it happened (not when it was stored), in UTC."""
        return moment_of(self.id)


class RecordingEra(models.Model):
    """A stretch of time in which one server numbered its transactions on, and so the positions of events."""

    number = models.PositiveIntegerField(primary_key=True)
    server = models.CharField(max_length=20)
    timeline = models.BigIntegerField()
    began = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"Era {self.number}"


class Outbox(models.Model):
    """Events that no fan-out has taken yet: the row goes in the transaction that owes the deliveries."""

    event_id = models.UUIDField(primary_key=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "outbox"

    def __str__(self) -> str:
        return str(self.event_id)


class LinkSeen(models.Model):
    """What was seen of a link of a message (0 is its pixel), kept as long as the message's day.

    It tells the first hit from later ones, and what a machine does from what a person does. Times are in milliseconds
    since 1970; 0 stands for never.
    """

    pk = models.CompositePrimaryKey("message_id", "link")
    message_id = models.UUIDField()
    link = models.IntegerField()
    # The event that was the first that no machine made.
    first = models.UUIDField(null=True)
    last = models.BigIntegerField(default=0, db_default=0)
    # When a HEAD asked for it, and from which address.
    headed = models.BigIntegerField(default=0, db_default=0)
    head_ip = models.CharField(max_length=45, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.message_id} {self.link}"


class HitCount(models.Model):
    """How many hits of a day one web process has answered: accepted (stored or spooled), and lost."""

    pk = models.CompositePrimaryKey("process", "day")
    # Not the operating system's number: an id that its tally is named after.
    process = models.UUIDField()
    # In UTC, by the moment of the hit.
    day = models.DateField()
    accepted = models.BigIntegerField()
    lost = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["day"], name="hitcount_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.process}"


class Block(models.Model):
    """Links that no longer lead anywhere. Made and deleted, not changed: web processes go by that (tracking.blocks)."""

    kind = models.CharField(_("kind"), max_length=7, choices=BLOCKED)
    value = models.CharField(_("value"), max_length=1000)
    reason = models.CharField(_("reason"), max_length=500)
    created = models.DateTimeField(_("created"), default=now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("created by"),
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("blocked link")
        verbose_name_plural = _("blocked links")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value"],
                name="block_unique",
                violation_error_message=_("This is blocked already."),
            ),
            models.CheckConstraint(condition=models.Q(kind__in=KINDS), name="block_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"

    def clean(self) -> None:
        """Write the value as it is compared. Raises ValidationError when the kind can't have such a value."""
        if self.kind in KINDS and self.value:
            try:
                self.value = normal_value(self.kind, self.value)
            except ValueError as error:
                raise ValidationError({"value": said(error.args[0])}) from error
            self._meta.get_field("value").run_validators(self.value)  # type: ignore[union-attr]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError like `clean`: a value that can't be compared would stop the list of every process."""
        self.clean()
        super().save(*args, **kwargs)


class Refusal(models.Model):
    """A message that was sent to be tracked and is not to be seen opened or clicked, or (not `refused`) is again.

    It outlives the message: who is forgotten stays unseen.
    """

    message_id = models.UUIDField(primary_key=True)
    refused = models.BooleanField()
    # That of the transaction that wrote it (pg_current_xact_id).
    version = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["version"], name="refusal_version")]

    def __str__(self) -> str:
        return str(self.message_id)


class UnreadMail(models.Model):
    """A mail that came in and could not be understood, or is about no message that we know: kept for people to read."""

    LONGEST = 500

    id = models.UUIDField(_("id"), primary_key=True, default=new_id, editable=False)
    # Follows from the mail, so that one that comes in again is kept once.
    key = models.CharField(max_length=40, unique=True, editable=False)
    received = models.DateTimeField(default=now, editable=False)
    sender = models.CharField(_("from"), max_length=LONGEST, blank=True)
    subject = models.CharField(_("subject"), max_length=LONGEST, blank=True)
    envelope_to = models.CharField(_("delivered to"), max_length=LONGEST, blank=True)
    reason = models.CharField(_("why it is here"), max_length=LONGEST)
    raw = models.BinaryField()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("unread mail")
        verbose_name_plural = _("unread mails")
        indexes = [models.Index(fields=["received"], name="unreadmail_received")]

    def __str__(self) -> str:
        return self.subject or gettext("(no subject)")
