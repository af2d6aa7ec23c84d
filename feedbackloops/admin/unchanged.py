"""Parts of pages that browsers fetch again and again: what a browser has is not sent once more."""

from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified


def unless_known(request: HttpRequest, text: str) -> HttpResponse:
    """The text; nothing where it is what the browser has (ETag, RFC 9110, section 8.8.3)."""
    tag = f'"{blake2b(text.encode(), digest_size=16).hexdigest()}"'
    headers: dict[str, Any] = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(text, headers=headers)
