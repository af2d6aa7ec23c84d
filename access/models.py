from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Reach(models.Model):
    """Which accounts a member of staff may see. Who has none sees none; superusers see all, with or without."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="reach", verbose_name=_("user")
    )
    all_accounts = models.BooleanField(
        default=False, verbose_name=_("all accounts"), help_text=_("Those that are added later, too.")
    )
    accounts = models.ManyToManyField(
        "profiles.Account",
        blank=True,
        related_name="+",
        verbose_name=_("accounts"),
        help_text=_("Nothing of any other account is shown."),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("reach")
        # Edited on the page of the user, by whoever may change that.
        default_permissions = ()

    def __str__(self) -> str:
        return gettext("Reach of %(user)s") % {"user": self.user}
