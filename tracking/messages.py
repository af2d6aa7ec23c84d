"""Registering a message: from then on its pixel and its links can be made and hit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from profiles.models import Account, Profile
from tracking.models import Message, Source
from tracking.registering import Draft, register_all
from tracking.rewriting import track
from tracking.tokens import Link, sign_click, sign_open, sign_unsubscribe, target_problem


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
    """The mail with its links leading through us and with the pixel; every other character stays as it was.

    A message that is not to be tracked keeps its HTML as it is.
    """
    if not message.tracked:
        return html
    return track(html, lambda index, url: link_url(message, index, url), pixel_url(message))


def _origin(message: Message) -> str:
    return message.account.tracking_url or settings.TRACKING_URL
