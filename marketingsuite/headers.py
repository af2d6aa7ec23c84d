"""What browsers may do with the answers of Django: headers that SecurityMiddleware does not know."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

# Nothing that stands outside of the dashboard loads, frames or sends anything.
STRICT: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# The theme's Alpine makes functions of texts, and sets styles in its tags. No script stands in a page itself, so none
# that was smuggled into one runs.
DASHBOARD: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
POWERS: Final = "camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), usb=()"


class BrowserLimits:
    """Middleware that adds Content-Security-Policy (Level 3) and Permissions-Policy to every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._dashboard = reverse("admin:index")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        policy = DASHBOARD if request.path.startswith(self._dashboard) else STRICT
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", POWERS)
        return response
