"""Reading settings from the environment, so that one that can't be read is named."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


class Environment(environ.Env):  # type: ignore[misc]  # comes without types
    """environ.Env that says which setting it could not read. Its value may be a secret, so that is not shown."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        return named(var, lambda: super(Environment, self).get_value(var, *args, **kwargs))


def named(name: str, read: Callable[[], T]) -> T:
    """What `read` gives. Raises ImproperlyConfigured with the setting's name and the error's words."""
    try:
        return read()
    except ValueError as error:
        raise ImproperlyConfigured(f"The setting {name} can't be used: {error}") from None


def networks(texts: list[str]) -> list[IPv4Network | IPv6Network]:
    """Networks such as 10.0.0.0/8. Raises ValueError."""
    return [ip_network(text.strip()) for text in texts]


def mail_server(url: str) -> dict[str, Any]:
    """Django's settings for the server that takes our mails. Raises ValueError; the URL may hold a password."""
    try:
        found: dict[str, Any] = environ.Env.email_url_config(url)
    except ImproperlyConfigured:
        found = {}
    if not found or ("smtp" in found["EMAIL_BACKEND"] and not found["EMAIL_HOST"]):
        raise ValueError("give smtp+tls://user:password@host:587, smtp+ssl://user:password@host:465 or smtp://host:25.")
    if "filebased" in found["EMAIL_BACKEND"]:
        # The slash that makes a path absolute is lost on its way here.
        found["EMAIL_FILE_PATH"] = urlsplit(url).path
        if urlsplit(url).netloc or not Path(urlsplit(url).path).is_absolute():
            raise ValueError("give the folder as an absolute path, with three slashes: filemail:///var/mails.")
    return found
