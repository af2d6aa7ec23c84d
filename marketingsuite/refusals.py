"""What is answered where somebody may not go on, where nothing is, and where something is wrong.

Staff stay within the dashboard where that can be shown; all others, and whoever a fault keeps out, get an error page.
"""

import sys
from typing import Final

from django.contrib import admin
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError, models
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from marketingsuite import errorpages

# By what the names of the dashboard's addresses end with; whatever else is done to a row changes it.
_RIGHTS: Final = {
    "changelist": gettext_noop("view %(things)s"),
    "history": gettext_noop("view %(things)s"),
    "add": gettext_noop("add %(things)s"),
    "delete": gettext_noop("delete %(things)s"),
}
_CHANGE: Final = gettext_noop("change %(things)s")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: which right is missing, as far as the address tells."""
    if not _is_for_staff(request):
        return errorpages.response(403, errorpages.FORBIDDEN)
    right = missing_right(request)
    words = _("You lack the right to %(right)s.") % {"right": right} if right else _("You may not do this.")
    advice = _("Whoever looks after users and their rights can give it to you, and the accounts that you may see.")
    return _page(request, 403, _("Not allowed"), words, advice)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, also for what belongs to an account that is not theirs."""
    if not _is_for_staff(request):
        return errorpages.response(404, errorpages.NOT_FOUND)
    words = _("There is no such page, or nothing that you may see.")
    advice = _("The address may be mistyped, or what it led to was deleted or is kept no more.")
    return _page(request, 404, _("Not found"), words, advice)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a request that Django takes no part of, or for a name that is not ours."""
    is_other = isinstance(exception, DisallowedHost)
    return errorpages.response(400, errorpages.OTHER_HOST if is_other else errorpages.UNREADABLE)


def fault(request: HttpRequest) -> HttpResponse:
    """500, and 503 while PostgreSQL is away."""
    if not isinstance(sys.exception(), OperationalError | InterfaceError):
        return errorpages.response(500, errorpages.FAULT)
    answer = errorpages.response(503, errorpages.AWAY)
    answer.headers["Retry-After"] = "60"
    return answer


def unchecked(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form that nobody can tell to be from whoever is logged in. The `reason` is Django's."""
    if reason.startswith(("Origin checking", "Referer checking")):
        told = errorpages.OTHER_ORIGIN
    else:
        told = errorpages.NO_COOKIE if reason == REASON_NO_CSRF_COOKIE else errorpages.OLD_FORM
    if not _is_for_staff(request):
        return errorpages.response(403, told)
    return _page(request, 403, str(told.title), str(told.words), str(told.advice))


def missing_right(request: HttpRequest) -> str:
    """Such as “delete feedback loops”; empty where the address is not about a kind of thing."""
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    model = max(filter(lambda each: name.startswith(_prefix(each)), admin.site._registry), key=_length, default=None)
    if model is None:
        return ""
    right = _RIGHTS.get(name.removeprefix(_prefix(model)), _CHANGE)
    return _(right) % {"things": str(model._meta.verbose_name_plural)}


def _length(model: type[models.Model]) -> int:
    return len(_prefix(model))


def _prefix(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}_"


def _is_for_staff(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return request.path.startswith("/admin/") and user is not None and user.is_active and user.is_staff


def _page(request: HttpRequest, status: int, title: str, words: str, advice: str) -> HttpResponse:
    # What an earlier page has left to say is for the page that its reader comes to.
    told = {"title": title, "words": words, "advice": advice, "messages": []}
    context = {**admin.site.each_context(request), **told}
    return render(request, "admin/refused.html", context, status=status)
