"""Registering a message: from then on its pixel and its links can be made and hit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError

from profiles.models import Account, Profile
from profiles.snapshots import text_problem
from tracking.models import Message
from tracking.rewriting import track
from tracking.tokens import Link, sign_click, sign_open, sign_unsubscribe

# Looser than RFC 5322, which few mail servers keep to: the customer's own mail was sent there already.
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


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
) -> TrackedMessage:
    """Register a mail to one recipient.

    Raises ValidationError when recipient, tags or profile don't fit, ValueError when a URL can't be tracked.
    """
    message = Message(account=account, recipient=recipient, profile=profile, tags=_listed(tags))
    links = [link_url(message, number, url) for number, url in enumerate(urls, start=1)]
    _check(message)
    message.save(force_insert=True)
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
    """The mail with its links leading through us and with the pixel; every other character stays as it was."""
    return track(html, lambda index, url: link_url(message, index, url), pixel_url(message))


def _origin(message: Message) -> str:
    return message.account.tracking_url or settings.TRACKING_URL


def _listed(tags: Iterable[str]) -> list[str]:
    listed = list(tags)
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in listed):
        raise ValidationError('Tags are a list of texts, such as ["spring", "shoes"].')
    for tag in listed:
        if problem := text_problem(tag):
            raise ValidationError(f"The tag {tag[:40]!r} {problem}.")
    return listed


def _check(message: Message) -> None:
    if message.profile is not None and message.profile.account_id != message.account_id:
        raise ValidationError("The profile belongs to another account than the message.")
    if not _ADDRESS.fullmatch(message.recipient) or not message.recipient.isprintable():
        raise ValidationError(f"{message.recipient[:320]!r} is not an e-mail address.")
    # The profile was checked, and its being there is the database's to say.
    message.clean_fields(exclude=["profile", "account"])
