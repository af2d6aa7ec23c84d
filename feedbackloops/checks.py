"""What Django checks when it starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from feedbackloops.encryption import fernet
from feedbackloops.outbound.addresses import problem


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
    """Name the networks that calls may go to though they are not public."""
    inner = [str(network) for network in settings.OUTBOUND_ALLOWED_NETWORKS if problem(network.network_address)]
    if not inner or settings.DEVELOPMENT:
        return []
    words = f"OUTBOUND_ALLOWED_NETWORKS lets loops call {', '.join(inner)}, which are not public."
    return [Warning(words, hint="Take out every network that a customer must not reach.", id="feedbackloops.W001")]
