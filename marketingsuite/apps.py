from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks

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


class DashboardConfig(SimpleAdminConfig):
    """Django's admin, behind the login that staff/site.py describes; its pages are found by urls.py."""

    default_site = "staff.site.DashboardSite"

    def ready(self) -> None:
        # What SimpleAdminConfig does, but for pages that are registered later than it expects.
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Sequence[checks.CheckMessage]:
    """What is wrong with the dashboard's pages, once all are registered."""
    from marketingsuite import urls  # noqa: F401

    return check_admin_app(app_configs, **kwargs)
