"""Where the dashboard begins."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from feedbackloops.admin.home import home_page, last_page


def home(request: HttpRequest) -> HttpResponse:
    """How all loops go, for those who may see them; for others all pages that they may see."""
    return home_page(request) if _sees_loops(request) else admin.site.index(request)


def last(request: HttpRequest) -> HttpResponse:
    """The part of that page that follows what happens."""
    if not _sees_loops(request):
        raise PermissionDenied
    return last_page(request)


def _sees_loops(request: HttpRequest) -> bool:
    return any(request.user.has_perm(f"feedbackloops.{right}_feedbackloop") for right in ("view", "change"))
