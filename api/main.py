"""The API as it is mounted, with its description (OpenAPI 3.1)."""

from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from api import problems
from api.examples import illustrate
from api.problems import ProblemDetails
from api.troubles import problem_of
from api.v1 import databases, deliveries, events, loopacts, loops, messages, profiles, subprofiles, testcalls

VERSION: Final = "1"
DESCRIPTION: Final = (
    "For programs of one account. Every request needs a token in the header `Authorization: Bearer mstoken_…`. "
    "Lists come in pages: ask on with `cursor` set to the `next` of the page before. Errors are problem details "
    "(RFC 9457). A POST with the header `Idempotency-Key` is done once, however often it is sent within a day. "
    "Whatever answers GET answers HEAD as well."
)
# What loads on the page: its own files, and pictures that stand in its style sheet.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_WORDS: Final = {
    "400": "The request can't be read: no JSON, no cursor of this list, or a bad header.",
    "401": "There is no token, or it is no longer good.",
    "403": "The token lacks the scope.",
    "404": "There is nothing of this account at this address.",
    "409": "The request does not fit what is there by now, or one with the same key is still being done.",
    "410": "The first request with this key was about a person who was forgotten since: its answer is gone.",
    "413": "The request is longer than is taken at once.",
    "415": "The body is said to be something other than JSON, or is compressed.",
    "422": "Something in the request can't be as it is; `errors` says what.",
    "429": "The token has asked too often; `Retry-After` says for how many seconds to wait.",
    "500": "Something went wrong on our side. Nothing was done.",
    "503": "The database does not answer just now. Nothing was done; `Retry-After` says for how many seconds to wait.",
}


class StrictParser(Parser):
    """Takes JSON as RFC 8259 has it: no NaN, no half surrogate pairs."""

    def parse_body(self, request: HttpRequest) -> Any:
        """What the body says. Raises ValueError."""
        return orjson.loads(request.body)


class DocsPage(DocsBase):
    """The page that shows the description, from files of our own."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """The page."""
        settings = {"url": reverse("api-1:openapi-json"), "layout": "BaseLayout", "deepLinking": True}
        response = render(request, "api/docs.html", {"settings": settings, "title": api.title})
        response.headers["Content-Security-Policy"] = _POLICY
        return response


class Api(NinjaAPI):
    """Errors are problems, and described as such; the description has an example of all that is asked and answered."""

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """The response that tells of an error."""
        return problems.answer(problem_of(exc if isinstance(exc, Exception) else exc()))

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """The description, with examples, and with what can go wrong at each operation."""
        schema = super().get_openapi_schema(**kwargs)
        described = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= described.pop("$defs") | {"Problem": described}
        for operations in schema["paths"].values():
            for method, operation in operations.items():
                illustrate(operation, now().date())
                operation["responses"] |= {status: _described(status) for status in _troubles(method, operation)}
        return schema


def _troubles(method: str, operation: dict[str, Any]) -> list[str]:
    statuses = ["401", "403", "429", "500", "503"]
    statuses += ["410"] if method == "post" else []
    statuses += ["400"] if method == "post" or "requestBody" in operation or operation.get("parameters") else []
    statuses += ["404", "422"] if operation.get("parameters") else []
    statuses += ["413", "415", "422"] if "requestBody" in operation else []
    return sorted({*statuses, *(["409"] if method != "get" else [])})


def _described(status: str) -> dict[str, Any]:
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _WORDS[status], "content": content}


api = Api(
    title="Marketing Suite feedback loops",
    version=VERSION,
    description=DESCRIPTION,
    docs=DocsPage(),
    urls_namespace="api-1",
    parser=StrictParser(),
)
for tag, module in {
    "Databases": databases,
    "Profiles": profiles,
    "Collections and subprofiles": subprofiles,
    "Messages": messages,
    "Events": events,
    "Loops": loops,
    "What is done to loops": loopacts,
    "Test calls": testcalls,
    "Deliveries and attempts": deliveries,
}.items():
    api.add_router("", module.router, tags=[tag])
