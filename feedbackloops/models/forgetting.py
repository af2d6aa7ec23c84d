"""That a person is to be forgotten, and how far that has come."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from profiles.models import Account


class Stage(models.TextChoices):
    """What is done next, in this order.

    MESSAGES: messages, with all that came of them.
    PROFILES: profiles and subprofiles.
    CHANGES: events of changes of these.
    CALLS: calls that may have been under way are waited for.
    TRACES: what names the person elsewhere, and this host's spool.
    SEARCH: the whole database is searched; where something is found for the first time, MESSAGES is next.
    DONE: nothing.
    """

    MESSAGES = "messages", _("messages and their events")
    PROFILES = "profiles", _("profiles")
    CHANGES = "changes", _("events of changes")
    TRACES = "traces", _("what else names the person")
    CALLS = "calls", _("waiting for calls under way")
    SEARCH = "search", _("searching for what is left")
    DONE = "done", _("done")


class Forgetting(models.Model):
    """A person who is forgotten: who that is, until it is done; afterwards only that it was done, and how many rows.

    What is noted here before it is deleted elsewhere lets anybody go on after a crash.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    # None where a program or the shell asked for it, or that login is gone.
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True)
    asked = models.DateTimeField(default=now)
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.MESSAGES)
    # When somebody last had it in hand.
    touched = models.DateTimeField(default=now)
    profiles = ArrayField(models.BigIntegerField(), default=list)
    # In lower case.
    addresses = ArrayField(models.TextField(), default=list)
    # All that were found, in the order in which they were: the first `cleared` of them have left nothing.
    messages = ArrayField(models.UUIDField(), default=list)
    cleared = models.PositiveIntegerField(default=0)
    # Deliveries that may have been under way when they were deleted: an attempt of theirs may yet be recorded.
    under_way = ArrayField(models.UUIDField(), default=list)
    under_way_until = models.DateTimeField(null=True)
    # How many rows are gone, by what they were.
    removed = models.JSONField(default=dict)
    # What the last search found, by place; nothing where all is gone. Where the first one finds something, all is gone
    # through once more before the last one.
    left = models.JSONField(default=dict)
    finished = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("forgotten person")
        verbose_name_plural = _("forgotten people")
        permissions = [("forget_person", "Can forget a person")]
        constraints = [models.CheckConstraint(condition=models.Q(stage__in=Stage.values), name="forgetting_stage")]

    def __str__(self) -> str:
        return gettext("Forgotten person %(number)s") % {"number": self.pk}

    def touch(self) -> None:
        """Tell others, in the middle of a long step, that somebody has it in hand."""
        self.touched = now()
        Forgetting.objects.filter(pk=self.pk).update(touched=self.touched)

    def count(self, **numbers: int) -> None:
        """Add to how many rows are gone; the caller saves."""
        for kind, number in numbers.items():
            if number:
                self.removed[kind] = self.removed.get(kind, 0) + number
