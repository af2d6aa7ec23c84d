from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

# Celery's shared tasks belong to the app that was made last: it has to be there before the first of them is called.
# Here and not in the package, where even `python -m marketingsuite.alive` would wait for it.
from marketingsuite.celery import app as celery_app

__all__ = ["MarketingSuiteConfig", "celery_app"]


class MarketingSuiteConfig(AppConfig):
    """Makes the commands that span all apps (demo, doctor, receive) known to Django."""

    name = "marketingsuite"

    def ready(self) -> None:
        from marketingsuite import reporting

        reporting.start()


class DashboardConfig(AdminConfig):
    """Django's admin, behind the login that staff/site.py describes."""

    default_site = "staff.site.DashboardSite"
