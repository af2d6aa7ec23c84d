"""What the engine and the verification find out about a loop."""

from django.db import models
from django.utils.timezone import now

from feedbackloops.models.loops import FeedbackLoop
from feedbackloops.protocol.challenge import Problem


class StopReason(models.TextChoices):
    """Why a lane stopped by itself.

    GONE: the script answered 410, which asks us to send nothing more.
    """

    GONE = "gone", "The script answered 410 Gone"


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

    def __str__(self) -> str:
        return f"Lane of {self.loop}"

    def wake(self) -> bool:
        """End its rest, or its stop, whatever the reason; whether there was one to end."""
        held_back = models.Q(stopped__isnull=False) | models.Q(troubles__gt=0) | models.Q(cooling_until__isnull=False)
        woken = {"stopped": None, "stop_reason": "", "troubles": 0, "cooling_until": None}
        return bool(LaneState.objects.filter(held_back, pk=self.pk).update(**woken))


class VerificationLook(models.Model):
    """One look for a loop's verification file at one place, and what was seen there."""

    loop = models.ForeignKey(FeedbackLoop, models.CASCADE, related_name="looks")
    looked = models.DateTimeField(default=now)
    url = models.TextField()
    found = models.BooleanField()
    problem = models.CharField(max_length=20, choices=[(each.value, each.value) for each in Problem])
    message = models.TextField()
    address = models.CharField(max_length=45, default="")
    status = models.PositiveSmallIntegerField(default=0)
    redirect = models.TextField(default="")
    first_bytes = models.BinaryField(default=b"")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.message
