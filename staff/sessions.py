"""Sessions that end: when nobody has used them for a while, and after a day's work in any case."""

from collections.abc import Callable
from time import time
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

BEGUN: Final = "begun"
USED: Final = "used"
BY_ITSELF: Final = "X-By-Itself"
# Every request would write a row, otherwise.
_NOTED_EVERY: Final = 60


class SessionLimits:
    """Middleware that ends a session after SESSION_SECONDS, and notes that it is used.

    What nobody uses for SESSION_IDLE_SECONDS ends by Django's SESSION_COOKIE_AGE, counted from the last note. What a
    page fetches by itself, as it says in a header, is no use.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            _note(request, int(time()))
        return self._get_response(request)


def _note(request: HttpRequest, moment: int) -> None:
    session = request.session
    # A session from before sessions ended begins now.
    if moment - session.setdefault(BEGUN, moment) >= settings.SESSION_SECONDS:
        session.flush()
    elif BY_ITSELF not in request.headers and moment - session.get(USED, 0) >= _NOTED_EVERY:
        session[USED] = moment
