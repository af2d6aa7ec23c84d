from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.encryption import EncryptedTextField


class SecondFactor(models.Model):
    """A member of staff's authenticator (TOTP, RFC 6238: SHA-1, 6 digits, 30 s). It counts once it is confirmed."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    # Base32, as authenticators take it.
    secret = EncryptedTextField()
    confirmed = models.DateTimeField(null=True)
    # The 30 seconds whose code was taken last, counted from 1970: no code is taken twice.
    last_step = models.BigIntegerField(default=0)
    # SHA-256 of each recovery code that was not used.
    recovery = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")
        # Everybody's own.
        default_permissions = ()

    def __str__(self) -> str:
        return gettext("Second factor of %(user)s") % {"user": self.user}
