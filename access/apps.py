from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Which accounts a member of staff may see."""

    name = "access"
