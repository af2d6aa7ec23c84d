"""How an operation of the API is written: its scope, its answer, and what comes of its transaction."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel

from api.auth import Bearer
from api.idempotency import HEADER, LONGEST, once
from api.models import ApiToken
from api.scopes import Scope
from profiles.models import Account

Handler = Callable[..., BaseModel | HttpResponse | None]
Decorator = Callable[[Handler], Handler]

_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text that no other request has. The same request again, with the same key and within a day, "
    "does nothing and gets the answer of the first one.",
    "schema": {"type": "string", "maxLength": LONGEST, "pattern": "^[!-~]*$"},
}
_PLAIN: Final = {"responses": {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}}


def reads(router: Router, path: str, scope: Scope, answers: Any) -> Decorator:
    """A GET; one that answers a str gives plain text."""
    model, extra = (None, _PLAIN) if answers is str else (answers, None)

    def decorate(handler: Handler) -> Handler:
        return _registered(router, "GET", path, scope, model, 200, _written(handler, 200), extra)

    return decorate


def posts(router: Router, path: str, scope: Scope, answers: Any, status: int = 200) -> Decorator:
    """A POST: in one transaction, and done once for each idempotency key."""

    def decorate(handler: Handler) -> Handler:
        written = _written(handler, status)

        @wraps(handler)
        def act(request: HttpRequest, **values: Any) -> HttpResponse:
            return once(request, token_in(request), lambda: written(request, **values))

        return _registered(router, "POST", path, scope, answers, status, act, {"parameters": [_KEY]})

    return decorate


def changes(router: Router, method: str, path: str, scope: Scope, answers: Any) -> Decorator:
    """A PATCH, PUT or DELETE, which may come twice by its nature: in one transaction."""
    status = 200 if answers else 204

    def decorate(handler: Handler) -> Handler:
        act = transaction.atomic(_written(handler, status))
        return _registered(router, method, path, scope, answers, status, act)

    return decorate


def token_in(request: HttpRequest) -> ApiToken:
    """The token that the request came with."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    return token


def program_in(request: HttpRequest) -> str:
    """What people call the program that asks: the name and the end of its token."""
    return str(token_in(request))


def account_in(request: HttpRequest) -> Account:
    """The account that the request is for: that of its token, and no other."""
    return token_in(request).account


def _registered(
    router: Router, method: str, path: str, scope: Scope, answers: Any, status: int, act: Handler, extra: Any = None
) -> Handler:
    name = act.__name__
    words = f"{act.__doc__ or ''}\n\nScope: `{scope}`."
    router.api_operation(
        [method],
        path,
        auth=Bearer(scope),
        response={status: answers},
        operation_id=name,
        summary=(act.__doc__ or name).strip().splitlines()[0].rstrip("."),
        description=words,
        openapi_extra={"x-scope": str(scope), **(extra or {})},
    )(act)
    return act


def _written(handler: Handler, status: int) -> Callable[..., HttpResponse]:
    """The handler with its answer written out. The models say what they hold, so nothing looks at it once more."""

    @wraps(handler)
    def act(request: HttpRequest, **values: Any) -> HttpResponse:
        answer = handler(request, **values)
        if isinstance(answer, HttpResponse):
            return answer
        if answer is None:
            return HttpResponse(status=status)
        return HttpResponse(answer.model_dump_json(), status=status, content_type="application/json")

    return act
