"""Who asks: the token in the Authorization header (RFC 6750), and whether it may."""

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest
from ninja.security import HttpBearer

from api.limits import insist_on_limit
from api.models import ApiToken
from api.problems import Problem
from api.scopes import Scope
from api.tokens import token_of

_NO_TOKEN: Final = (
    "The request needs a token that is still good, in the header `Authorization: Bearer mstoken_…`. Tokens are made in "
    "the dashboard, on the page of the account."
)


class Bearer(HttpBearer):
    """Lets a token in that has the scope."""

    openapi_bearerFormat = "mstoken_…"

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiToken:
        """The token of the request. Raises Problem."""
        token = super().__call__(request)
        if not isinstance(token, ApiToken):
            raise no_token()
        return token

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The token with this text, None where there is none that is still good. Raises Problem."""
        found = token_of(token)
        if found is None:
            return None
        insist_on_limit(found)
        if self.scope not in found.scopes:
            words = f"This token does not have the scope {self.scope}. Have a token made that has it."
            header = f'Bearer error="insufficient_scope", scope="{self.scope}"'
            raise Problem(HTTPStatus.FORBIDDEN, words, headers={"WWW-Authenticate": header})
        return found


def no_token() -> Problem:
    """What somebody without a token is told."""
    return Problem(HTTPStatus.UNAUTHORIZED, _NO_TOKEN, headers={"WWW-Authenticate": 'Bearer realm="api"'})
