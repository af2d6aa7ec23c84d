from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    """Who works with the dashboard, and how they get in."""

    name = "staff"
    verbose_name = _("Staff")

    def ready(self) -> None:
        from staff import checks, receivers  # noqa: F401
