from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class MarketingSuiteConfig(AppConfig):
    """Makes the commands that span all apps (demo, receive) known to Django."""

    name = "marketingsuite"


class DashboardConfig(AdminConfig):
    """Django's admin, behind the login that staff/site.py describes."""

    default_site = "staff.site.DashboardSite"
