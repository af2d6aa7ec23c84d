from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    """What programs of the customers can do: an API over HTTP, with tokens that belong to one account each."""

    name = "api"
    verbose_name = _("API")

    def ready(self) -> None:
        from api import receivers  # noqa: F401
