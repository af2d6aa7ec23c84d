"""The webhooks through which ESPs tell of an account's mail."""

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from esp.providers import CHOICES, PROVIDERS, Provider
from feedbackloops.encryption import EncryptedTextField
from profiles.models import Account

USER = "suite"
PREFIX = "/esp/"
# What the source of an event begins with that an ESP told of.
SOURCE = "esp: "


def new_secret() -> str:
    """256 random bits, as a text that an address can have in it."""
    return secrets.token_urlsafe(32)


class Webhook(models.Model):
    """Where one ESP tells of the mails of one account, and how it proves that it is the one who calls."""

    LONGEST = 500

    account = models.ForeignKey(Account, models.CASCADE, related_name="esp_webhooks", verbose_name=_("account"))
    esp = models.CharField(_("ESP"), max_length=20, choices=CHOICES)
    name = models.CharField(_("name"), max_length=100, blank=True)
    # By it the address is found.
    path_key = models.CharField(max_length=43, unique=True, default=new_secret, editable=False)
    # Of the login, for an ESP that does not sign.
    password = EncryptedTextField(default=new_secret, editable=False)
    # What an ESP signs with, as far as it is known.
    signing_key = EncryptedTextField(blank=True, default="", editable=False)
    created = models.DateTimeField(default=now, editable=False)
    # When something came that proved to be the ESP's.
    last_call = models.DateTimeField(null=True, editable=False)
    # Counted for people: those that became ours, that are of mails which we don't know, that could not be kept.
    recorded = models.BigIntegerField(_("recorded"), default=0, db_default=0, editable=False)
    unknown = models.BigIntegerField(_("unknown"), default=0, db_default=0, editable=False)
    unusable = models.BigIntegerField(default=0, db_default=0, editable=False)
    problem = models.CharField(max_length=LONGEST, blank=True, default="", db_default="", editable=False)
    problem_since = models.DateTimeField(null=True, editable=False)
    # Where Amazon waits for its subscription to be confirmed.
    confirm_url = models.CharField(max_length=2100, blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name = _("ESP webhook")
        verbose_name_plural = _("ESP webhooks")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.provider.label} {self.name}".strip()

    @property
    def provider(self) -> Provider:
        """Whose it is."""
        return PROVIDERS[self.esp]

    @property
    def source(self) -> str:
        """How the events that it tells of name it."""
        return f"{SOURCE}{self.esp}"

    @property
    def path(self) -> str:
        """Where the ESP calls, on our host."""
        return f"{PREFIX}{self.esp}/{self.path_key}/"

    @property
    def url(self) -> str:
        """Where the ESP calls, without the login."""
        return f"{settings.TRACKING_URL}{self.path}"

    @property
    def login(self) -> str:
        """Name and password of an ESP that does not sign; "" for one that does."""
        return "" if self.provider.signs else f"{USER}:{self.password}"

    @property
    def whole_url(self) -> str:
        """What the ESP is given: the address with its login, if there is one."""
        scheme, _separator, rest = self.url.partition("://")
        return f"{scheme}://{self.login}@{rest}" if self.login else self.url

    @property
    def is_ready(self) -> bool:
        """Whether calls can be told from anybody's."""
        return bool(self.signing_key) or not self.provider.signs

    @property
    def last_tried(self) -> datetime | None:
        """When something called last, taken or refused; to the minute where the same is refused again and again."""
        return max((each for each in (self.last_call, self.problem_since) if each), default=None)

    @property
    def is_refusing(self) -> bool:
        """Whether nothing was taken of the last call; `problem` says why."""
        return self.problem_since is not None and (self.last_call is None or self.problem_since > self.last_call)

    def options(self) -> dict[str, Any]:
        """What django-anymail's reader has to know. An empty secret has it ask for no login."""
        if not self.provider.signs:
            return {"webhook_secret": self.login}
        more = {"webhook_url": self.url} if self.esp == "mandrill" else {}
        return {"webhook_secret": "", self.provider.option: self.signing_key, **more}
