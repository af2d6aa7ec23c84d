"""The dashboard's site: its login asks for a second factor, and its pages stay shut until that was shown."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from staff import pages, secondfactor
from staff.search import search_page

Page = Callable[..., HttpResponse]


def _whole(page: Page) -> Page:
    """Have what a POST changes and its line in the log be one transaction: neither is there without the other."""

    @wraps(page)
    def whole(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return page(request, *args, **kwargs)
        with transaction.atomic():
            return page(request, *args, **kwargs)

    return whole


class DashboardSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold carries no types
    def admin_view(self, view: Page, cacheable: bool = False) -> Page:
        """Every page of the dashboard but the login's own."""
        wrapped: Page = super().admin_view(_whole(view), cacheable)
        return wrapped

    def get_urls(self) -> list[Any]:
        """Without Django's redirect to an object's own page: no object has one, and it breaks on ids that are none."""
        return [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]

    def extra_urls(self) -> list[URLPattern]:
        return [
            path("login/code/", never_cache(pages.CodePage.as_view(site=self)), name="code"),
            path("second-factor/", never_cache(pages.SecondFactorPage.as_view(site=self)), name="second_factor"),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        return pages.is_staff(request) and secondfactor.passed(request)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What the search field of every page leads to, in the place of the theme's own search."""
        return search_page(request, self.each_context(request) | (extra_context or {}))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The login form, or what is still to be done after it. Too many tries are answered with 429."""
        if request.method == "GET" and pages.is_staff(request) and not secondfactor.passed(request):
            step = "code" if secondfactor.factor_of(request.user) else "second_factor"
            target = urlencode({REDIRECT_FIELD_NAME: pages.target_of(request)})
            return HttpResponseRedirect(f"{reverse(f'admin:{step}')}?{target}")
        response: HttpResponse = super().login(request, extra_context)
        form = getattr(response, "context_data", {}).get("form")
        return pages.told_to_wait(response, form) if form else response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Changing one's own password, which Django itself leaves out of the log."""
        response: HttpResponse = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            secondfactor.log_own(request.user, gettext("Changed the own password."))
        return response
