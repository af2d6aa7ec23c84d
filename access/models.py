from django.conf import settings
from django.db import models


class Reach(models.Model):
    """Which accounts a member of staff may see. Who has none sees none; superusers see all, with or without."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="reach")
    all_accounts = models.BooleanField(default=False, help_text="Those that are added later, too.")
    accounts = models.ManyToManyField(
        "profiles.Account", blank=True, related_name="+", help_text="Nothing of any other account is shown."
    )

    class Meta:
        verbose_name = verbose_name_plural = "reach"
        # Edited on the page of the user, by whoever may change that.
        default_permissions = ()

    def __str__(self) -> str:
        return f"Reach of {self.user}"
