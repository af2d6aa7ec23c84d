from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FeedbackLoopsConfig(AppConfig):
    """Customers' loops, what is owed to them, and the engine that sends it."""

    name = "feedbackloops"
    verbose_name = _("Feedback loops")

    def ready(self) -> None:
        from feedbackloops import checks, receivers  # noqa: F401
