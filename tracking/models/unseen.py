"""What is not to be answered, and who is not to be seen."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from profiles.saying import said
from tracking.blocking import KINDS, Kind, normal_value

BLOCKED = [
    (Kind.MESSAGE.value, _("Message")),
    (Kind.ACCOUNT.value, _("Account")),
    (Kind.TARGET.value, _("Target")),
]


class Block(models.Model):
    """Links that no longer lead anywhere. Made and deleted, not changed: web processes go by that (tracking.blocks)."""

    kind = models.CharField(_("kind"), max_length=7, choices=BLOCKED)
    value = models.CharField(_("value"), max_length=1000)
    reason = models.CharField(_("reason"), max_length=500)
    created = models.DateTimeField(_("created"), default=now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("created by"),
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("blocked link")
        verbose_name_plural = _("blocked links")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value"],
                name="block_unique",
                violation_error_message=_("This is blocked already."),
            ),
            models.CheckConstraint(condition=models.Q(kind__in=KINDS), name="block_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"

    def clean(self) -> None:
        """Write the value as it is compared. Raises ValidationError when the kind can't have such a value."""
        if self.kind in KINDS and self.value:
            try:
                self.value = normal_value(self.kind, self.value)
            except ValueError as error:
                raise ValidationError({"value": said(error.args[0])}) from error
            self._meta.get_field("value").run_validators(self.value)  # type: ignore[union-attr]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError like `clean`: a value that can't be compared would stop the list of every process."""
        self.clean()
        super().save(*args, **kwargs)


class Refusal(models.Model):
    """A message that was sent to be tracked and is not to be seen opened or clicked, or (not `refused`) is again.

    It outlives the message: who is forgotten stays unseen.
    """

    message_id = models.UUIDField(primary_key=True)
    refused = models.BooleanField()
    # That of the transaction that wrote it (pg_current_xact_id).
    version = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["version"], name="refusal_version")]

    def __str__(self) -> str:
        return str(self.message_id)
