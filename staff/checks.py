"""What Django checks when it starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register("security", deploy=True)
def throttle_together(**kwargs: Any) -> list[CheckMessage]:
    """Whether all web processes count logins together."""
    if settings.THROTTLE_URL:
        return []
    words = "Each web process counts logins by itself, so there are as many tries as processes times the limit."
    return [Warning(words, hint="Set REDIS_URL as well: it is used to count logins.", id="staff.W001")]
