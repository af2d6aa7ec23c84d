"""A customer's program that uses the API."""

from collections.abc import Collection
from typing import Any

import orjson
from django.test import Client

from api.scopes import Scope
from api.tokens import make_token
from profiles.models import Account

ROOT = "/api/v1"


class Program:
    """Asks with a token of its account; one with every scope, unless some are named."""

    def __init__(self, account: Account, scopes: Collection[str] = tuple(Scope), **values: Any) -> None:
        made = make_token(account, "A program", scopes, **values)
        self.account, self.token, self.text = account, made.token, made.text
        self._client = Client(raise_request_exception=False)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response. A body of bytes goes as it is, any other as JSON."""
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        all_headers = {"Authorization": f"Bearer {self.text}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        address = path if path.startswith(ROOT) else f"{ROOT}{path}"
        return self._client.generic(method, address, content, "application/json", headers=all_headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.ask("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self.ask("DELETE", path)


def told(response: Any, status: int = 200) -> Any:
    """What the answer says, which has to have this status."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    return response.json() if response.content else None


def problem(response: Any, status: int) -> Any:
    """The problem that the answer tells of."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content[:500]
    said = told(response, status)
    assert (said["type"], said["status"]) == ("about:blank", status)
    assert said["title"]
    assert said["detail"]
    return said


def faults(response: Any) -> list[str]:
    """The parts of the request that a 422 names."""
    return [each["where"] for each in problem(response, 422)["errors"]]
