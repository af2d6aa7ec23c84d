"""The operations of the API, as its description has them: one that is added is tested as well."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.main import api


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its method, its address with names in it, and what is said of it."""

    method: str
    path: str
    about: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.about["operationId"])

    @property
    def arguments(self) -> list[str]:
        """The names in the address."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def has_body(self) -> bool:
        return "requestBody" in self.about

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@cache
def operations() -> list[Operation]:
    """All of them."""
    paths = api.get_openapi_schema()["paths"].items()
    return [Operation(method.upper(), path, about) for path, methods in paths for method, about in methods.items()]
