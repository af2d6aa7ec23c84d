from django.apps import AppConfig


class MarketingSuiteConfig(AppConfig):
    """Makes the commands that span all apps (demo, receive) known to Django."""

    name = "marketingsuite"
