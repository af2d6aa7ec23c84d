from django.apps import AppConfig


class ApiConfig(AppConfig):
    """What programs of the customers can do: an API over HTTP, with tokens that belong to one account each."""

    name = "api"
    verbose_name = "API"

    def ready(self) -> None:
        from api import receivers  # noqa: F401
