from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    """Accounts (customers), their databases, and the profiles in them."""

    name = "profiles"

    def ready(self) -> None:
        from profiles import receivers  # noqa: F401
