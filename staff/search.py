"""The page of the one search field that every page of the dashboard has."""

from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from psycopg.errors import QueryCanceled

from staff.decoding import decode
from staff.finding import Group, Term, find, histories, tried

LONGEST: Final = 10_000
PATIENCE_MS: Final = 3_000


def search_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """What `q` means: its page, where it means one thing; what was found, by kind; or what was looked for in vain."""
    # PostgreSQL holds no NUL.
    typed = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    context |= {"title": gettext("Search"), "term": typed}
    decoded = decode(typed, request.user) if typed else None
    if decoded or not typed:
        return TemplateResponse(request, "staff/search.html", context | {"decoded": decoded})
    term = Term.of(typed)
    groups = _found(term, request.user)
    if groups is not None and sum(len(group.found) for group in groups) == 1:
        return HttpResponseRedirect(next(group for group in groups if group.found).found[0].url)
    kinds = [kind.label for kind in tried(term, request.user)]
    context |= {"groups": groups, "took_too_long": groups is None, "tried": kinds}
    context["histories"] = histories(term, request.user) if groups else []
    return TemplateResponse(request, "staff/search.html", context)


def _found(term: Term, user: Any) -> list[Group] | None:
    """None where finding it would take PostgreSQL too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [PATIENCE_MS])
            return find(term, user)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
    return None
