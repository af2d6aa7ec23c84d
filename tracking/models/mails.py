"""Mails that came in and that nobody could do anything with."""

from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tracking.ids import new_id


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
