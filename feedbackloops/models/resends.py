"""Sending much again: what staff asked for, and how far it has come."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.models.history import DeliveryState
from feedbackloops.models.loops import FeedbackLoop


class Resend(models.Model):
    """Deliveries of one loop that are to be sent again: those of events from `since` to before `until`.

    It goes through them in the order of their ids; `after` is the last one that was looked at.
    """

    loop = models.ForeignKey(FeedbackLoop, models.CASCADE, related_name="resends")
    since = models.DateTimeField()
    until = models.DateTimeField()
    states = ArrayField(models.CharField(max_length=9, choices=DeliveryState))
    asked = models.DateTimeField(default=now)
    after = models.UUIDField()
    # How many it was to be, as counted when it was asked for; None where they were too many to count.
    expected = models.PositiveBigIntegerField(null=True)
    count = models.PositiveBigIntegerField(default=0)
    finished = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("resend")
        verbose_name_plural = _("resends")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(states__contained_by=["delivered", "given_up", "cancelled"])
                & models.Q(states__len__gte=1),
                name="resend_states",
            )
        ]

    def __str__(self) -> str:
        return gettext("Resend of %(loop)s") % {"loop": self.loop}
