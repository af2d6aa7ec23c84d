"""Messages: one mail to one recipient each."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from profiles.models import Account, Profile
from tracking.ids import new_id
from tracking.mailids import LONGEST_MESSAGE_ID
from tracking.positions import Position

SUBJECT_SHOWN = 250


class Source(models.TextChoices):
    """What registered a message."""

    PROGRAM = "program", _("a program, by register()")
    COMMAND = "command", _("manage.py track_mail")
    DJANGO_MAIL = "django-mail", _("Django's mail, on its way out")
    API = "api", _("the API")
    ESP = "esp", _("an ESP that told of it")


class Message(models.Model):
    """One mail to one recipient."""

    id = models.UUIDField(_("id"), primary_key=True, default=new_id, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False, verbose_name=_("account"))
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

    # Its place in the order of recording (tracking.positions).
    position = models.BigIntegerField(db_default=Position(), editable=False)

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
            models.Index(fields=["account", "position", "id"], name="message_recording"),
            models.Index(fields=["esp_message_id"], name="message_esp_id", condition=~models.Q(esp_message_id="")),
        ]

    def __str__(self) -> str:
        return str(self.id)
