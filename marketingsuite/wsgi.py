"""The web process: tracking URLs go straight to tracking, everything else to Django and its middleware."""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

dashboard = get_wsgi_application()

from tracking.intake import intake  # noqa: E402  (needs the apps that the line above loads)
from tracking.views import PREFIXES, tracking  # noqa: E402

# Not with the first hit: a spool that another process left behind must not wait for one.
intake()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve one request (PEP 3333)."""
    if environ["PATH_INFO"].startswith(PREFIXES):
        return tracking(environ, start_response)
    return dashboard(environ, start_response)
