from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Who works with the dashboard, and how they get in."""

    name = "staff"

    def ready(self) -> None:
        from staff import checks, receivers  # noqa: F401
