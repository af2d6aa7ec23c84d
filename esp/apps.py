from django.apps import AppConfig


class EspConfig(AppConfig):
    """What e-mail service providers tell of the mail that they send, by their webhooks."""

    name = "esp"
    verbose_name = "ESP"
