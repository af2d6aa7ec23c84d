"""The ledger as it was last counted: what was owed against what is there, day by day."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.models.loops import FeedbackLoop
from profiles.models import Account


class LedgerLine(models.Model):
    """What a loop was owed for the events of a day (UTC), and its deliveries of that day by state."""

    day = models.DateField(_("day"))
    loop = models.ForeignKey(
        FeedbackLoop,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("loop"),
    )
    # None where the loop is gone, and its deliveries are as well.
    account = models.ForeignKey(
        Account,
        models.DO_NOTHING,
        related_name="+",
        null=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("account"),
    )
    owed = models.BigIntegerField(_("owed"))
    delivered = models.BigIntegerField(_("delivered"))
    pending = models.BigIntegerField(_("pending"))
    given_up = models.BigIntegerField(_("given up"))
    cancelled = models.BigIntegerField(_("cancelled"))
    # Deliveries that were owed and are not there; below zero, there are more than were owed.
    missing = models.GeneratedField(
        verbose_name=_("missing"),
        expression=F("owed") - F("delivered") - F("pending") - F("given_up") - F("cancelled"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    counted = models.DateTimeField()

    class Meta:
        verbose_name = _("ledger line")
        verbose_name_plural = _("ledger lines")
        ordering = ["-day", "loop_id"]
        constraints = [models.UniqueConstraint(fields=["day", "loop"], name="ledger_line_of_day_and_loop")]
        indexes = [models.Index(fields=["day", "loop"], condition=~Q(missing=0), name="ledger_line_missing")]

    def __str__(self) -> str:
        return gettext("%(day)s, loop %(number)s") % {"day": f"{self.day:%Y-%m-%d}", "number": self.loop_id}


class LedgerDay(models.Model):
    """The hits that were accepted on a day (UTC), and the events that they became."""

    day = models.DateField(primary_key=True)
    # As the web processes counted them.
    accepted = models.BigIntegerField()
    lost = models.BigIntegerField()
    # In the spool of the host that counted the day.
    spooled = models.BigIntegerField()
    events = models.BigIntegerField()
    counted = models.DateTimeField()

    class Meta:
        verbose_name = _("ledger day")
        verbose_name_plural = _("ledger days")
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"
