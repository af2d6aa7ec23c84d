from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrackingConfig(AppConfig):
    """Messages, their tracked links, and the events that come from them."""

    name = "tracking"
    verbose_name = _("Tracking")

    def ready(self) -> None:
        from tracking import checks, receivers  # noqa: F401
