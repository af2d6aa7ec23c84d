"""The web process without recording: each hit is taken and forgotten. What recording costs is the difference."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")
django.setup()

from marketingsuite import memory  # noqa: E402  (these need the apps that the line above loads)
from tracking import views  # noqa: E402
from tracking.hits import Hit  # noqa: E402
from tracking.views import Receive, Scope, Send  # noqa: E402


class Forgetful:
    """Stands where the intake does."""

    async def take(self, hit: Hit) -> None:
        """Let go of the hit."""


_forgetful = Forgetful()
views.intake = lambda: _forgetful  # type: ignore[attr-defined, assignment]
# As the web process does.
memory.settle()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request; there is nothing to start or stop."""
    if scope["type"] == "http":
        await views.tracking(scope, receive, send)
