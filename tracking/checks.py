"""What Django checks when it starts."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from profiles.origins import origin_problem
from tracking.ruling import rules
from tracking.verdicts.rules import BadRules

KEYS = "See Keys in docs/operations.md."
_DOMAIN = re.compile(r"(?=.{4,180}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)
RETIREMENT_IS_NEAR = timedelta(days=14)
HINT = "Set it to the address under which recipients reach the web process, such as https://click.example.com."


@register()
def tracking_url(**kwargs: Any) -> list[CheckMessage]:
    """Whether links in mails can lead to us: a mail that went out can't be called back."""
    problem = origin_problem(settings.TRACKING_URL)
    return (
        [Error(f"TRACKING_URL {problem}: {settings.TRACKING_URL!r}.", hint=HINT, id="tracking.E001")] if problem else []
    )


@register(deploy=True)
def tracking_url_of_a_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Whether recipients elsewhere can follow the links."""
    if urlsplit(settings.TRACKING_URL).hostname not in ("localhost", "127.0.0.1", "::1"):
        return []
    return [Warning("TRACKING_URL leads to this machine, where no recipient is.", hint=HINT, id="tracking.W001")]


@register("security")
def retired_keys(**kwargs: Any) -> list[CheckMessage]:
    """Name the tracking keys that no longer verify, and those that soon won't."""
    today = datetime.now(UTC).date()
    retiring = {
        number: day for number, day in settings.TRACKING_KEYS.retires.items() if day <= today + RETIREMENT_IS_NEAR
    }
    return [_retirement(number, day, today) for number, day in sorted(retiring.items())]


def _retirement(number: int, day: date, today: date) -> CheckMessage:
    if day > today:
        words = f"Key {number} of TRACKING_KEYS retires on {day}: links and pixels signed with it stop working then."
        return Warning(words, hint=f"Move the day if mails of its time are still read. {KEYS}", id="tracking.W002")
    words = f"Key {number} of TRACKING_KEYS retired on {day}: links and pixels signed with it no longer work."
    return Warning(words, hint=f"Take it out, or move the day. {KEYS}", id="tracking.W003")


@register()
def envelope_domain(**kwargs: Any) -> list[CheckMessage]:
    """Whether mail can come back to the envelope addresses."""
    if not settings.ENVELOPE_DOMAIN or _DOMAIN.fullmatch(settings.ENVELOPE_DOMAIN):
        return []
    words = f"ENVELOPE_DOMAIN is no domain of mail: {settings.ENVELOPE_DOMAIN!r}."
    return [
        Error(words, hint="Give the name alone, such as bounce.example.com, or leave it empty.", id="tracking.E002")
    ]


@register()
def verdict_rules(**kwargs: Any) -> list[CheckMessage]:
    """Whether the operator's rules for telling machines from people can be used."""
    try:
        rules()
    except BadRules as error:
        hint = "See docs/people.md for what a rule may have; without VERDICT_RULES only the built-in rules are used."
        return [Error(str(error), hint=hint, id="tracking.E003")]
    return []
