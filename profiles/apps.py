from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProfilesConfig(AppConfig):
    """Accounts (customers), their databases, and the profiles in them."""

    name = "profiles"
    verbose_name = _("Profiles")

    def ready(self) -> None:
        from profiles import receivers  # noqa: F401
