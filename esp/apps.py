from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EspConfig(AppConfig):
    """What e-mail service providers tell of the mail that they send, by their webhooks."""

    name = "esp"
    verbose_name = _("ESP")
