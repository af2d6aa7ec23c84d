"""What the engine and the verification find out about a loop."""

from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.models.loops import FeedbackLoop
from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.sights import Sight, facts_of


class StopReason(models.TextChoices):
    """Why a lane stopped by itself.

    GONE: the script answered 410, which asks us to send nothing more.
    FAILING: no call has succeeded for so long that we no longer try.
    """

    GONE = "gone", _("The script answered 410 Gone")
    FAILING = "failing", _("No call has succeeded for days")


class Told(models.TextChoices):
    """What a loop's contact and staff were last told of its lane; nothing while it goes well.

    FAILING: that no call has succeeded for a while.
    STOPPED: that it has stopped by itself.
    """

    FAILING = "failing", _("Failing")
    STOPPED = "stopped", _("Stopped")


class LaneState(models.Model):
    """The lane of a loop: who holds it, and whether it rests. Written by engines only; its clock is the database's."""

    loop = models.OneToOneField(FeedbackLoop, models.CASCADE, primary_key=True, related_name="lane")
    # The fence: it grows with every change of hands, so that an engine that slept through one can tell.
    lease_number = models.BigIntegerField(default=0)
    engine = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    troubles = models.PositiveIntegerField(default=0)
    cooling_until = models.DateTimeField(null=True)
    stopped = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=10, choices=StopReason, default="")
    last_success = models.DateTimeField(null=True)
    last_trouble = models.TextField(default="")
    # The first failure after the last success, or after staff resumed the loop.
    failing_since = models.DateTimeField(null=True)
    # Seconds of trying since then; time held is not among them. Counted up to `watched`.
    failing_for = models.FloatField(default=0, db_default=0)
    watched = models.DateTimeField(null=True)
    told = models.CharField(max_length=7, choices=Told, default="", db_default="")

    class Meta:
        verbose_name = _("lane state")
        verbose_name_plural = _("lane states")

    def __str__(self) -> str:
        return gettext("Lane of %(loop)s") % {"loop": self.loop}

    def wake(self) -> bool:
        """End its rest, or its stop, whatever the reason; whether there was one to end."""
        held_back = models.Q(stopped__isnull=False) | models.Q(troubles__gt=0) | models.Q(cooling_until__isnull=False)
        woken = {"stopped": None, "stop_reason": "", "troubles": 0, "cooling_until": None}
        return bool(LaneState.objects.filter(held_back, pk=self.pk).update(**woken))

    def start_afresh(self) -> bool:
        """Forget for how long it has failed, and what was told of that; whether there was anything to forget."""
        failing = models.Q(failing_since__isnull=False) | ~models.Q(told="")
        return bool(LaneState.objects.filter(failing, pk=self.pk).update(failing_since=None, failing_for=0, told=""))


class VerificationLook(models.Model):
    """One look for a loop's verification file at one place, and what was seen there.

    Looks of one round have the same `looked`: the moment at which the round began.
    """

    loop = models.ForeignKey(FeedbackLoop, models.CASCADE, related_name="looks")
    looked = models.DateTimeField(default=now)
    # Since when looks were wanted when this round began: it answers whoever asked then, or before.
    wanted = models.DateTimeField(null=True)
    url = models.TextField()
    found = models.BooleanField()
    problem = models.CharField(max_length=20, choices=[(each.value, each.value) for each in Problem])
    message = models.TextField()
    address = models.CharField(max_length=45, default="")
    status = models.PositiveSmallIntegerField(default=0)
    redirect = models.TextField(default="")
    first_bytes = models.BinaryField(default=b"")
    # What no column holds of a protocol.sights.Sight; empty in rows older than that.
    facts = models.JSONField(default=dict, db_default={})

    class Meta:
        verbose_name = _("verification look")
        verbose_name_plural = _("verification looks")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.message

    def sight(self, expected: str) -> Sight:
        """What was seen, beside the content that the file should have."""
        return Sight(
            url=self.url,
            expected=expected.encode(),
            problem=Problem(self.problem or Problem.NO_ANSWER),
            looked=self.looked,
            address=self.address,
            status=self.status,
            redirect=self.redirect,
            body=bytes(self.first_bytes),
            **facts_of(self.facts),
        )
