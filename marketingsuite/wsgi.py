"""The web process: tracking URLs go straight to tracking, everything else to Django and its middleware."""

import os
import threading
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

dashboard = get_wsgi_application()

from marketingsuite import memory  # noqa: E402  (these need the apps that the line above loads)
from tracking.intake import intake  # noqa: E402
from tracking.views import PREFIXES, tracking  # noqa: E402

# Not with the first hit: a spool that another process left behind must not wait for one.
intake()
memory.settle()

# While PostgreSQL hangs, so does every request for the dashboard: half of the threads stay free for pixels and links.
_for_dashboard = threading.BoundedSemaphore(max(1, int(os.environ.get("WEB_THREADS", "64")) // 2))
_BUSY = b"The dashboard is busy. Please try again in a moment.\n"


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve one request (PEP 3333)."""
    if environ["PATH_INFO"].startswith(PREFIXES):
        return tracking(environ, start_response)
    if not _for_dashboard.acquire(blocking=False):
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(_BUSY))), ("Retry-After", "5")]
        start_response("503 Service Unavailable", headers)
        return [_BUSY]
    try:
        return dashboard(environ, start_response)
    finally:
        _for_dashboard.release()
