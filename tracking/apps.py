from django.apps import AppConfig


class TrackingConfig(AppConfig):
    """Messages, their tracked links, and the events that come from them."""

    name = "tracking"

    def ready(self) -> None:
        from tracking import checks, receivers  # noqa: F401
