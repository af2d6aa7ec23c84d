"""The rows of the flow. Snapshot, Delivery and Attempt are partitioned by day on ids that carry their event's time."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.models.loops import FeedbackLoop
from feedbackloops.protocol.outcome import Outcome
from profiles.models import Account
from tracking.ids import moment_of
from tracking.models import Event


class DeliveryState(models.TextChoices):
    """Where a delivery stands.

    PENDING: to be sent when it is due and its lane is free.
    DELIVERED: the script answered 2xx.
    GIVEN_UP: the last of its attempts failed.
    CANCELLED: staff took it back.
    """

    PENDING = "pending", _("Pending")
    DELIVERED = "delivered", _("Delivered")
    GIVEN_UP = "given_up", _("Given up")
    CANCELLED = "cancelled", _("Cancelled")


OUTCOMES = [
    (Outcome.ACCEPTED.value, _("accepted")),
    (Outcome.REJECTED.value, _("rejected")),
    (Outcome.GONE.value, _("gone")),
    (Outcome.THROTTLED.value, _("throttled")),
    (Outcome.SERVER_ERROR.value, _("server error")),
    (Outcome.TIMED_OUT.value, _("timed out")),
    (Outcome.UNREACHABLE.value, _("unreachable")),
    (Outcome.BLOCKED.value, _("blocked")),
]


class Snapshot(models.Model):
    """What we knew of an event's recipient and profile when the event was fanned out; one per event."""

    # The same as the event's.
    id = models.UUIDField(primary_key=True)
    data = models.JSONField()

    def __str__(self) -> str:
        return str(self.id)


class Delivery(models.Model):
    """One event owed to one loop. Its id follows from both, so that owing twice makes one row."""

    id = models.UUIDField(_("id"), primary_key=True)
    event = models.ForeignKey(
        Event, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False, verbose_name=_("event")
    )
    loop = models.ForeignKey(
        FeedbackLoop,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("loop"),
    )
    account = models.ForeignKey(
        Account,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("account"),
    )
    state = models.CharField(_("state"), max_length=9, choices=DeliveryState, default=DeliveryState.PENDING)
    outcome = models.CharField(_("last outcome"), max_length=12, choices=OUTCOMES, default="", db_default="")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, db_default=0)
    # Attempts made before staff last sent it again: they don't count against the schedule of this round.
    attempts_before = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_attempt = models.DateTimeField(_("next attempt"))
    owed = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=DeliveryState.values), name="delivery_state")
        ]
        indexes = [
            models.Index(
                fields=["loop", "next_attempt", "id"], condition=models.Q(state="pending"), name="delivery_queue"
            ),
            models.Index(fields=["loop", "id"], name="delivery_loop"),
            # What goes well is never in it: it costs an entry for each attempt that failed.
            models.Index(
                fields=["loop", "state", "outcome", "id"],
                condition=~models.Q(state="delivered") & (~models.Q(state="pending") | ~models.Q(outcome="")),
                name="delivery_failed",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def occurred_at(self) -> datetime:
        """When the event happened, in UTC."""
        return moment_of(self.id)


class ScriptVersion(models.Model):
    """How a loop's calls are addressed, written and signed until staff change that. Attempts say which they had.

    Written by engines as they meet it; no secret is in it, only what tells one from another.
    """

    # No constraint: an engine never waits for, or fails with, somebody who deletes the loop.
    loop = models.ForeignKey(
        FeedbackLoop, models.CASCADE, related_name="script_versions", db_constraint=False, db_index=False
    )
    # Of all that stands here and of the keys: the same script is the same version, also when it comes back later.
    fingerprint = models.UUIDField()
    url = models.TextField()
    body_format = models.CharField(max_length=4)
    user_agent = models.TextField()
    # What tells the secrets from others: one for each that signed, in the order of their signatures.
    secrets = ArrayField(models.CharField(max_length=16))
    rsa_key_id = models.CharField(max_length=255, default="", db_default="")
    rsa_key = models.CharField(max_length=16, default="", db_default="")
    # What is left out of bodies (protocol.narrowing); nothing where that is empty.
    narrowing = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    first_used = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("script version")
        verbose_name_plural = _("script versions")
        constraints = [models.UniqueConstraint(fields=["loop", "fingerprint"], name="script_version_unique")]

    def __str__(self) -> str:
        return gettext("Version %(number)s") % {"number": self.pk}


class Attempt(models.Model):
    """One POST to a script: a delivery's, or a test call's (which has no delivery)."""

    id = models.UUIDField(_("id"), primary_key=True)
    delivery = models.ForeignKey(
        Delivery, models.DO_NOTHING, related_name="+", null=True, db_constraint=False, db_index=False
    )
    loop = models.ForeignKey(
        FeedbackLoop,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("loop"),
    )
    account = models.ForeignKey(
        Account,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("account"),
    )
    number = models.PositiveSmallIntegerField(_("number"))
    started = models.DateTimeField(_("started"))
    outcome = models.CharField(_("outcome"), max_length=12, choices=OUTCOMES)
    message = models.TextField(_("message"), default="", db_default="")
    status = models.PositiveSmallIntegerField(default=0, db_default=0)
    address = models.CharField(max_length=45, default="", db_default="")
    # Seconds that each step took; `first_byte` is the wait for the answer once connected, `total` is all of it.
    dns = models.FloatField(default=0, db_default=0)
    connect = models.FloatField(default=0, db_default=0)
    tls = models.FloatField(default=0, db_default=0)
    first_byte = models.FloatField(default=0, db_default=0)
    total = models.FloatField(default=0, db_default=0)
    # The first bytes of the answer.
    answer = models.BinaryField(default=b"")
    # Its status line and headers, of an answer that is no success.
    head = models.TextField(default="", db_default="")
    version = models.ForeignKey(
        ScriptVersion, models.DO_NOTHING, related_name="+", null=True, db_constraint=False, db_index=False
    )

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["loop", "id"], name="attempt_loop"),
            models.Index(fields=["loop", "id"], condition=models.Q(delivery=None), name="attempt_test"),
        ]

    def __str__(self) -> str:
        return gettext("Attempt %(number)s") % {"number": self.number}


class ParkedEvent(models.Model):
    """An event that fan-out could not handle, kept aside with the error until staff try it again."""

    event_id = models.UUIDField(_("event id"), primary_key=True)
    error = models.TextField(_("error"))
    parked = models.DateTimeField(_("parked"), db_default=Now())

    class Meta:
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")
        ordering = ["-event_id"]

    def __str__(self) -> str:
        return str(self.event_id)
