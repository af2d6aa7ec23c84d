"""Errors to Sentry, where SENTRY_DSN names one: what is logged as an error, without what people have sent.

The library is imported only then: it would make each start slower.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings

from marketingsuite.environment import named
from marketingsuite.scrubbing import scrubber

# Of what the library gathers, this describes the error; all else describes whoever met it.
KEPT = ["event_id", "timestamp", "level", "logger", "logentry", "message", "exception", "threads", "transaction"]
KEPT += ["platform", "release", "environment", "server_name", "sdk", "extra", "tags", "contexts"]


def start() -> None:
    """Have errors of this process reported, if the operator wants that. Raises ImproperlyConfigured."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration

    initialize = partial(
        sentry_sdk.init,
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=settings.VERSION,
        # By default it gathers nothing that tells of a person; what it finds in local variables is not of that kind.
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        # The usual ones wrap every request, task and query, and gather what they hold.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            # No lines of a level below, which would be kept with every error.
            LoggingIntegration(level=None),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, seconds: None),
        ],
        before_send=scrubbed(scrubber(settings.SECRETS)),
    )
    named("SENTRY_DSN", initialize)


def scrubbed(scrub: Callable[[str], str]) -> Callable[[Any, Any], Any]:
    """What takes out of a report all that is not KEPT, and secrets out of every text of it."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return scrub(value)
        if isinstance(value, dict):
            return {key: clean(each) for key, each in value.items() if key != "vars"}
        return [clean(each) for each in value] if isinstance(value, list | tuple) else value

    return lambda event, hint: {key: clean(value) for key, value in event.items() if key in KEPT}
