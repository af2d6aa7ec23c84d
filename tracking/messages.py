"""Registering a message: from then on its pixel and its links can be made and hit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from time import time
from typing import Final

from django.conf import settings

from profiles.models import Account, Profile
from tracking.models import Message, Source
from tracking.registering import Draft, register_all
from tracking.rewriting import track
from tracking.tokens import (
    BadToken,
    Link,
    read_click,
    read_unsubscribe,
    sign_click,
    sign_open,
    sign_unsubscribe,
    target_problem,
)

# Stands in a mail for the URL under which its recipient unsubscribes.
PLACEHOLDER: Final = "[[unsubscribe_url]]"


@dataclass(frozen=True, slots=True)
class TrackedMessage:
    """A registered message with the URL of its pixel and of its links, in the order of their targets."""

    message: Message
    pixel_url: str
    link_urls: list[str]


def register(
    account: Account,
    recipient: str,
    *,
    profile: Profile | None = None,
    tags: Iterable[str] = (),
    urls: Sequence[str] = (),
    source: str = Source.PROGRAM,
) -> TrackedMessage:
    """Register a mail to one recipient. Without a profile, the account's profile with that address is meant, if any.

    Raises ValidationError when recipient, tags or profile don't fit, ValueError when a URL can't be tracked.
    """
    for url in urls:
        if problem := target_problem(url):
            raise ValueError(problem)
    (message,) = register_all([Draft(account, recipient, tags, profile, source=source)])
    links = [link_url(message, number, url) for number, url in enumerate(urls, start=1)]
    return TrackedMessage(message, pixel_url(message), links)


def pixel_url(message: Message) -> str:
    """The URL of the picture whose loading is an open."""
    return f"{_origin(message)}/o/{sign_open(Link(message.account_id, message.id, 0), settings.TRACKING_KEYS)}.gif"


def link_url(message: Message, index: int, url: str) -> str:
    """The URL that leads to `url` and counts as a click. Raises ValueError when `url` can't be tracked."""
    token = sign_click(Link(message.account_id, message.id, index, url), settings.TRACKING_KEYS)
    return f"{_origin(message)}/c/{token}"


def unsubscribe_url(message: Message) -> str:
    """The URL under which the recipient unsubscribes: by a POST at once (RFC 8058), else on a page with a button."""
    token = sign_unsubscribe(Link(message.account_id, message.id, 0), settings.TRACKING_KEYS)
    return f"{_origin(message)}/u/{token}"


def tracked_html(html: str, message: Message) -> str:
    """The mail with its links leading through us, with the pixel, and with the URL to unsubscribe for PLACEHOLDER.

    Every other character stays as it was. A link that leads through us already, of whichever mail, leads to its target
    as a link of this message. A message that is not to be tracked keeps its links, and gets no pixel.
    """
    if message.tracked:
        html = track(html, lambda index, url: _tracked_url(message, index, url), pixel_url(message))
    # Only now: the link to unsubscribe is no click.
    return html.replace(PLACEHOLDER, escape(unsubscribe_url(message)))


def _tracked_url(message: Message, index: int, url: str) -> str:
    if not url.startswith((f"{_origin(message)}/", f"{settings.TRACKING_URL}/")):
        return link_url(message, index, url)
    page, _, token = url.rpartition("/")
    try:
        if page.endswith("/c"):
            return link_url(message, index, read_click(token, settings.TRACKING_KEYS, time()).url)
        if page.endswith("/u"):
            read_unsubscribe(token, settings.TRACKING_KEYS, time())
            return url
    except BadToken:
        pass
    return link_url(message, index, url)


def _origin(message: Message) -> str:
    return message.account.tracking_url or settings.TRACKING_URL
