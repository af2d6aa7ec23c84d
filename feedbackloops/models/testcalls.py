"""Test calls, apart from the history: they stand in none of its tables, so no count, chart or ledger knows of them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.models.history import OUTCOMES, Attempt
from feedbackloops.models.loops import FeedbackLoop
from feedbackloops.protocol.outcome import Outcome
from tracking.models import EventType

# For so long one waits to be taken by a process; whoever asked for it does not expect it any more after that.
TAKEN_WITHIN: Final = timedelta(seconds=60)
# What recording the answer takes beyond the call itself, at the most.
RECORDED_WITHIN: Final = timedelta(seconds=15)


class Stage(StrEnum):
    """How far a test call has come, and how it ended.

    WAITING: no process has taken it yet.
    UNDER_WAY: the script has it, and has not answered yet.
    ACCEPTED: the script answered 2xx.
    FAILED: it answered otherwise or not at all, or nothing could be sent; `message` says why.
    LOST: nobody took it in time, or the process that made it has ended; `message` says which.
    """

    WAITING = "waiting"
    UNDER_WAY = "under way"
    ACCEPTED = "accepted"
    FAILED = "failed"
    LOST = "lost"


class TestCallQuerySet(models.QuerySet["TestCall"]):
    """Test calls, as the pages ask for them."""

    def of(self, loop: FeedbackLoop) -> "TestCallQuerySet":
        """A loop's, the newest first, without what was sent and what was answered."""
        return (
            self.filter(loop=loop).select_related("sender").defer("headers", "body", "answer", "head").order_by("-id")
        )

    def last_of(self, loop: FeedbackLoop) -> "TestCall | None":
        """A loop's last one, whether it has ended or not: `stage()` says how it ended, `message` why. One query."""
        return self.of(loop).first()


class TestCall(models.Model):
    """A sample event that staff had sent to a verified script: what was asked for, what was sent, what came back.

    A loop's last one, and how it ended: `TestCall.objects.last_of(loop)`, then `stage()`, `ended` and `message`.
    """

    # The id of the event that it tells of.
    id = models.UUIDField(primary_key=True)
    loop = models.ForeignKey(FeedbackLoop, models.CASCADE, related_name="test_calls", db_index=False)
    # None where that account is gone, or a program asked for it.
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True)
    event_type = models.CharField(max_length=12, choices=EventType)
    # What was typed: the fields of the contract but for type, timestamp, time and event.
    fields = models.JSONField(default=dict)
    asked = models.DateTimeField()
    started = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    # As it was sent, to the byte; `headers` has pairs of name and value.
    url = models.TextField(default="")
    headers = models.JSONField(default=list)
    body = models.BinaryField(default=b"")
    outcome = models.CharField(max_length=12, choices=OUTCOMES, default="")
    message = models.TextField(default="")
    status = models.PositiveSmallIntegerField(default=0)
    address = models.CharField(max_length=45, default="")
    # Seconds, as in Attempt.
    dns = models.FloatField(default=0)
    connect = models.FloatField(default=0)
    tls = models.FloatField(default=0)
    first_byte = models.FloatField(default=0)
    total = models.FloatField(default=0)
    # The first bytes of the answer; `head` has its status line and headers, but for cookies.
    answer = models.BinaryField(default=b"")
    is_cut = models.BooleanField(default=False)
    head = models.TextField(default="")

    objects = TestCallQuerySet.as_manager()

    class Meta:
        verbose_name = _("test call")
        verbose_name_plural = _("test calls")
        ordering = ["-id"]
        indexes = [models.Index(fields=["loop", "id"], name="test_call_loop")]
        constraints = [
            models.UniqueConstraint(fields=["loop"], condition=models.Q(ended=None), name="test_call_one_at_a_time")
        ]

    def __str__(self) -> str:
        return gettext("Test call %(id)s") % {"id": self.id}

    def claim(self, moment: datetime) -> bool:
        """Take it, so that it is made once; False where somebody else has, or nobody expects it any more."""
        waits = TestCall.objects.filter(pk=self.pk, started=None, ended=None, asked__gte=moment - TAKEN_WITHIN)
        self.started = moment
        return bool(waits.update(started=moment))

    def end(self, moment: datetime, **found: Any) -> bool:
        """Write down what came of it; False where it counts as lost already, or its loop is gone."""
        for name, value in (found | {"ended": moment}).items():
            setattr(self, name, value)
        return bool(TestCall.objects.filter(pk=self.pk, ended=None).update(**found, ended=moment))

    def stage(self, moment: datetime) -> Stage:
        """How far it has come at this moment."""
        if self.ended:
            return Stage.LOST if not self.outcome else Stage.ACCEPTED if self.is_accepted else Stage.FAILED
        if self.is_overdue(moment):
            return Stage.LOST
        return Stage.UNDER_WAY if self.started else Stage.WAITING

    def is_overdue(self, moment: datetime) -> bool:
        """Whether no end of it is to be expected any more."""
        if self.ended:
            return False
        if self.started:
            return self.started < moment - timedelta(seconds=settings.ANSWER_SECONDS) - RECORDED_WITHIN
        return self.asked < moment - TAKEN_WITHIN

    @property
    def is_accepted(self) -> bool:
        """Whether the script answered 2xx."""
        return self.outcome == Outcome.ACCEPTED

    @property
    def as_attempt(self) -> Attempt:
        """The same as an attempt that is not stored, for what tells of attempts."""
        names = ("outcome", "message", "status", "address", "dns", "connect", "tls", "first_byte", "total")
        facts = {name: getattr(self, name) for name in names}
        return Attempt(id=self.id, loop_id=self.loop_id, number=1, started=self.started or self.asked, **facts)
