"""Where the dashboard begins."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


def home(request: HttpRequest) -> HttpResponse:
    """The list of loops, for those who may see it; for others all pages that they may see."""
    if any(request.user.has_perm(f"feedbackloops.{right}_feedbackloop") for right in ("view", "change")):
        return HttpResponseRedirect(reverse("admin:feedbackloops_feedbackloop_changelist"))
    return admin.site.index(request)
