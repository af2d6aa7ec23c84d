from django.apps import AppConfig


class FeedbackLoopsConfig(AppConfig):
    """Customers' loops, what is owed to them, and the engine that sends it."""

    name = "feedbackloops"
    verbose_name = "Feedback loops"

    def ready(self) -> None:
        from feedbackloops import checks, receivers  # noqa: F401
