"""Mails to people about a loop, written in the transaction that makes them due and sent afterwards."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from feedbackloops.models.loops import FeedbackLoop


class Notice(models.Model):
    """A mail about a loop, to its contact or to staff: kept as it was sent, or as it waits to be sent."""

    loop = models.ForeignKey(FeedbackLoop, models.CASCADE, related_name="notices")
    recipients = ArrayField(models.EmailField())
    subject = models.CharField(max_length=300)
    body = models.TextField()
    written = models.DateTimeField(db_default=Now())
    # Of the last try; a process that dies while it sends leaves this behind, and the mail is tried again.
    tried = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    sent = models.DateTimeField(null=True)
    error = models.TextField(default="", db_default="")

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=models.Q(sent=None), name="notice_unsent")]

    def __str__(self) -> str:
        return self.subject
