from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    """Which accounts a member of staff may see."""

    name = "access"
    verbose_name = _("Access")
