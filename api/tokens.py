"""Tokens: made, and found again by what a program sends."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.db.models import Q
from django.utils.timezone import now

from api.models import ApiToken
from profiles.models import Account

# Secret scanners, and people who find one somewhere, know by it what they have before them.
PREFIX: Final = "mstoken_"
USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made, with the text that is never shown again."""

    token: ApiToken
    text: str


def make_token(
    account: Account, name: str, scopes: Iterable[str], *, expires: datetime | None = None, by: Any = None
) -> NewToken:
    """Make a token and store it. Raises ValidationError for a name, scopes or a moment that it can't have."""
    token = ApiToken(account=account, name=name, scopes=list(scopes), expires=expires, created_by=by)
    text = give_text(token)
    token.full_clean(exclude=["account", "created_by"])
    token.save(force_insert=True)
    return NewToken(token, text)


def give_text(token: ApiToken) -> str:
    """The text of a new token, of which the token itself keeps the digest."""
    text = PREFIX + secrets.token_urlsafe(32)
    # The text has 256 random bits: there is nothing to guess that a slow hash would guard.
    token.digest, token.ending = digest(text), text[-4:]
    return text


def digest(text: str) -> bytes:
    """What is kept of a token's text."""
    return sha256(text.encode("utf-8", "replace")).digest()


def token_of(text: str) -> ApiToken | None:
    """The token with this text, where it is still good; that it was used is noted."""
    moment = now()
    found = ApiToken.objects.select_related("account").filter(digest=digest(text)).first()
    if found is None or not found.is_valid(moment):
        return None
    if found.last_used is None or moment - found.last_used >= USE_NOTED_EVERY:
        old = Q(last_used=None) | Q(last_used__lt=moment - USE_NOTED_EVERY / 2)
        ApiToken.objects.filter(old, pk=found.pk).update(last_used=moment)
    return found


def revoke(token: ApiToken, moment: datetime) -> bool:
    """Let it open nothing any more; whether it did until now."""
    return bool(ApiToken.objects.filter(pk=token.pk, revoked=None).update(revoked=moment))
