"""The door to the API, before the middleware that browsers need: no session, no cookies, and every error as a problem.

Behind it everything is answered here, also what no operation answers: unknown addresses, wrong methods, crashes.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from api import problems
from api.problems import Problem
from api.troubles import problem_of

PREFIX: Final = "/api/"
_JSON: Final = "application/json"
_NO_JSON: Final = "The body is said to be %s. Send JSON, with the header `Content-Type: application/json`."
_PACKED: Final = "The body is compressed, which is not taken here. Send it as it is, without `Content-Encoding`."


class ApiDoor:
    """Middleware that answers the API's requests, and hands on all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self._get_response(request)
        response = _head(request) if request.method == "HEAD" else answered(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def answered(request: HttpRequest) -> HttpResponse:
    """The answer to a request of the API, whatever comes of it."""
    try:
        request.get_host()
        found = resolve(request.path_info)
        _insist_on_json(request)
        return _as_problem(found.func(request, *found.args, **found.kwargs))
    except Exception as error:
        return problems.answer(problem_of(error))


def _head(request: HttpRequest) -> HttpResponse:
    """The answer to HEAD: that to GET with its length, without its content (RFC 9110, 9.3.2)."""
    request.method = "GET"
    response = answered(request)
    request.method = "HEAD"
    response.headers["Content-Length"] = str(len(response.content))
    response.content = b""
    return response


def _insist_on_json(request: HttpRequest) -> None:
    """Refuse a body that says that it is something else (RFC 9110, 15.5.16); one that says nothing is taken for JSON.

    Raises Problem.
    """
    if not request.body:
        return
    kind = request.content_type or ""
    if kind and kind != _JSON and not kind.endswith("+json"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _NO_JSON % kind[:100], headers={"Accept": _JSON})
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _PACKED, headers={"Accept-Encoding": "identity"})


def _as_problem(response: Any) -> HttpResponse:
    """The response of a view; Django's own page of a method that is not there, as a problem."""
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        methods = set(response.headers["Allow"].split(", "))
        allowed = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
        words = f"This address takes {allowed} only."
        return problems.answer(Problem(HTTPStatus.METHOD_NOT_ALLOWED, words, headers={"Allow": allowed}))
    kept: HttpResponse = response
    return kept
