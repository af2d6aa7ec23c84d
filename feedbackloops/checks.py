"""What Django checks when it starts."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from feedbackloops.encryption import fernet
from feedbackloops.outbound.addresses import Network, inner_parts

MOST_PARTS = 3


@register("security")
def encryption_keys(**kwargs: Any) -> list[CheckMessage]:
    """Whether secrets can be encrypted."""
    try:
        fernet()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="feedbackloops.E001")]
    return []


@register("security")
def allowed_networks(**kwargs: Any) -> list[CheckMessage]:
    """Name the networks that calls may go to though they are not public, or not all of them."""
    if settings.DEVELOPMENT:
        return []
    inner = [_inner_words(network) for network in settings.OUTBOUND_ALLOWED_NETWORKS if inner_parts(network)]
    if not inner:
        return []
    words = f"OUTBOUND_ALLOWED_NETWORKS lets loops call addresses that are not public: {'; '.join(inner)}."
    return [Warning(words, hint="Take out every network that a customer must not reach.", id="feedbackloops.W001")]


@register()
def failing_times(**kwargs: Any) -> list[CheckMessage]:
    """Whether people are told of a loop that fails before it is stopped."""
    if 0 < settings.FAILING_MAIL_SECONDS < settings.FAILING_STOP_SECONDS:
        return []
    words = "FAILING_MAIL_SECONDS has to be above 0 and below FAILING_STOP_SECONDS: the mail comes before the stop."
    return [Error(words, id="feedbackloops.E002")]


@register()
def staff_addresses(**kwargs: Any) -> list[CheckMessage]:
    """Whether staff can be written to, at addresses and with a link that are some."""
    problems = [
        f"STAFF_EMAILS has {each!r}, which is no e-mail address." for each in settings.STAFF_EMAILS if _no(each)
    ]
    url = urlsplit(settings.DASHBOARD_URL)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        problems.append(f"DASHBOARD_URL is {settings.DASHBOARD_URL!r}; it has to be http:// or https:// and a host.")
    return [Error(words, id="feedbackloops.E003") for words in problems]


@register(deploy=True)
def mails_of_a_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Whether anybody hears of a loop that fails."""
    problems = []
    if settings.EMAIL_BACKEND.startswith("django.core.mail.backends.console"):
        problems.append("EMAIL_URL names no mail server: mails are written to the log of looks, and nobody gets them.")
    if not settings.STAFF_EMAILS:
        problems.append("STAFF_EMAILS is empty: nobody of the staff is told when a loop fails or stops.")
    if urlsplit(settings.DASHBOARD_URL).hostname in ("localhost", "127.0.0.1", "::1"):
        problems.append("DASHBOARD_URL leads to this machine: the link in mails to staff works nowhere else.")
    return [Warning(words, id="feedbackloops.W002") for words in problems]


def _no(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return True
    return False


def _inner_words(network: Network) -> str:
    parts = inner_parts(network)
    shown = [what if part == network else f"{part} ({what})" for part, what in parts[:MOST_PARTS]]
    more = [f"{len(parts) - MOST_PARTS} more"] if len(parts) > MOST_PARTS else []
    return f"{network}: {', '.join([*shown, *more])}"
