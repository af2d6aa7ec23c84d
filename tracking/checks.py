"""What Django checks when it starts."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

HINT = "Set it to the address under which recipients reach the web process, such as https://click.example.com."


@register()
def tracking_url(**kwargs: Any) -> list[CheckMessage]:
    """Whether links in mails can lead to us: a mail that went out can't be called back."""
    url = urlsplit(settings.TRACKING_URL)
    if url.scheme in ("http", "https") and url.hostname and not (url.path or url.query or url.fragment):
        return []
    words = (
        f"TRACKING_URL is {settings.TRACKING_URL!r}; it has to be http:// or https:// and a host, with nothing behind."
    )
    return [Error(words, hint=HINT, id="tracking.E001")]


@register(deploy=True)
def tracking_url_of_a_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Whether recipients elsewhere can follow the links."""
    if urlsplit(settings.TRACKING_URL).hostname not in ("localhost", "127.0.0.1", "::1"):
        return []
    return [Warning("TRACKING_URL leads to this machine, where no recipient is.", hint=HINT, id="tracking.W001")]
