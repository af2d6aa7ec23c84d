"""How much one token may ask for: counted in Redis for all web processes, in each by itself while that is away."""

from http import HTTPStatus
from typing import Final

from django.conf import settings

from api.models import ApiToken
from api.problems import Problem
from staff.throttle import Limit, take

WINDOW_SECONDS: Final = 60


def insist_on_limit(token: ApiToken) -> None:
    """Count one more request of this token. Raises Problem, with the seconds to wait, when it has asked too often."""
    most = settings.API_REQUESTS_PER_MINUTE
    if not most:
        return
    if wait := take([Limit("api", str(token.pk), most, WINDOW_SECONDS)]):
        words = f"This token has made {most:,} requests within a minute. Wait for {wait} s; ask for more at once."
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, words, headers={"Retry-After": str(wait)})
