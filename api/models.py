from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from api.scopes import Scope
from profiles.models import Account


class ApiToken(models.Model):
    """Lets a program of one account in. Only its digest is kept: the token itself is shown once, when it is made."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="api_tokens", verbose_name=_("account"))
    name = models.CharField(_("name"), max_length=100)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), verbose_name=_("scopes"))
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    # The end of the token, by which people tell it from others.
    ending = models.CharField(max_length=4, editable=False)
    created = models.DateTimeField(default=now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, blank=True, editable=False
    )
    expires = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked = models.DateTimeField(null=True, editable=False)
    # To the minute.
    last_used = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=Scope.values) & models.Q(scopes__len__gte=1),
                name="apitoken_scopes",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.ending})"

    def is_valid(self, moment: Any) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked is None and (self.expires is None or self.expires > moment)


class KeptAnswer(models.Model):
    """What a POST with an idempotency key was answered, for a day: the same request again gets the same answer.

    Written in the transaction of what the request did, so that both are there, or neither.
    """

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    # Of method, address and body.
    request = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(default=b"")
    created = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("kept answer")
        verbose_name_plural = _("kept answers")
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="kept_answer_of_key")]
        indexes = [models.Index(fields=["created"], name="kept_answer_created")]

    def __str__(self) -> str:
        return gettext("Answer to %(key)s") % {"key": self.key}
