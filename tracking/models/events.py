"""What happened, what of it still waits for its fan-out, and how much there was."""

from datetime import datetime

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from profiles.models import Account
from tracking.ids import moment_of, new_id
from tracking.models.messages import Message
from tracking.positions import Position


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
