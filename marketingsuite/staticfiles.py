"""The dashboard's static files."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    """Whitenoise, which reads each file whole: it would be streamed in a way that Django warns of under ASGI."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Answer a request for a static file."""
        streamed = WhiteNoiseMiddleware.serve(static_file, request)
        whole = HttpResponse(b"".join(streamed.streaming_content), status=streamed.status_code)
        whole.headers = streamed.headers
        streamed.close()
        return whole
