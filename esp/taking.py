"""What an ESP told of an account's mails → events, in sets."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_noop

from esp.models import Webhook
from esp.standard import About
from esp.told import CLICK, OPEN, Told, data_of, told_of
from profiles.models import Profile
from tracking.finding import Trace, find_messages
from tracking.mailids import normal_message_id
from tracking.models import Message, Source
from tracking.outside import record_reports, row_of
from tracking.reports import BadReport, Report
from tracking.returned.naming import likely_moment

logger = logging.getLogger(__name__)

# Django's mail gets the ESP's ids once a whole list of mails is sent; its first events come before that.
UNDER_WAY: Final = timedelta(hours=1)

# These send no metadata back, so that an event can't name our message.
NAMELESS: Final = ("mailersend", "postal")

UNREADABLE: Final = gettext_noop("An event can’t be read: it is not what this provider sends, as far as we know.")


class Taken(NamedTuple):
    """What became of the events: `recorded` ones that are new, of mails that are `unknown`, and `unusable` ones.

    `problem` tells of the last unusable one, for people.
    """

    recorded: int = 0
    unknown: int = 0
    unusable: int = 0
    problem: str = ""


def take(webhook: Webhook, events: Iterable[Any], moment: datetime) -> Taken:
    """Record what events of django-anymail tell; once, however often they come. `moment` is now.

    Raises django.db.Error while the database is away: nothing was recorded, and the ESP is to try again.
    """
    readings = [_read(webhook, event) for event in events]
    told = [each for each in readings if isinstance(each, Told) and each.types]
    messages = _found(webhook, told, moment)
    known = [(each, message) for each, message in zip(told, messages, strict=True) if message]
    tried = [_checked(report) for report in _reports(webhook, known, moment)]
    reports = {each.event: each for each in tried if isinstance(each, Report)}
    problems = [each for each in (*readings, *tried) if isinstance(each, str)]
    new = record_reports(list(reports.values())) if reports else set()
    return Taken(len(new), len(told) - len(known), len(problems), problems[-1] if problems else "")


def _read(webhook: Webhook, event: Any) -> Told | str:
    """What an event tells, or why that can't be said."""
    try:
        return told_of(webhook.esp, event)
    except Exception as error:
        # An event that nobody thought of must not keep the others of its call out, which come together again and again.
        logger.warning("An event of %s can't be read: %s", webhook.provider.label, type(error).__name__)
        return UNREADABLE


def _checked(report: Report) -> Report | str:
    try:
        row_of(report)
    except BadReport as error:
        return f"An event of the type {report.type} can't be kept. {error}"
    return report


def _found(webhook: Webhook, told: Sequence[Told], moment: datetime) -> list[Message | None]:
    if not told:
        return []
    traces = [Trace(each.message, each.esp_id, each.header, each.recipient) for each in told]
    messages = find_messages(traces, account=webhook.account_id, before=moment, window=UNDER_WAY)
    return [
        message if message and _is_meant(message, each) else None for message, each in zip(messages, told, strict=True)
    ]


def _is_meant(message: Message, told: Told) -> bool:
    """Found by an id; or by its recipient alone, where its id at the ESP is still to come: other mail goes there."""
    if told.message:
        return told.message == message.pk
    if told.esp_id and told.esp_id == message.esp_message_id:
        return True
    header = normal_message_id(told.header)
    if message.internet_message_id and "@" in header:
        return header == message.internet_message_id
    is_under_way = message.source == Source.DJANGO_MAIL and not message.esp_message_id
    return is_under_way and told.esp in NAMELESS


def _reports(webhook: Webhook, known: Sequence[tuple[Told, Message]], moment: datetime) -> Iterable[Report]:
    unseen = _unseen([message for each, message in known if each.types[0] in (OPEN, CLICK)])
    for told, message in known:
        if told.types[0] in (OPEN, CLICK) and message.pk not in unseen:
            continue
        occurred = likely_moment(told.moments, message.created, moment)
        about = _about(webhook, message, occurred)
        for type in told.types:
            data = data_of(told, type, about)
            yield Report(type, message.account_id, message.pk, occurred, told.key, data, webhook.source, webhook.pk)


def _unseen(messages: Sequence[Message]) -> set[UUID]:
    """Of these, those that we do not track ourselves, to people who may be tracked."""
    candidates = {message.pk: message.profile_id for message in messages if not message.tracked}
    profiles = {profile for profile in candidates.values() if profile is not None}
    refusing = set(Profile.objects.filter(pk__in=profiles, tracked=False).values_list("pk", flat=True))
    return {message for message, profile in candidates.items() if profile not in refusing}


def _about(webhook: Webhook, message: Message, occurred: datetime) -> About:
    return About(
        esp=webhook.provider.label,
        recipient=message.recipient,
        moment=occurred,
        reporter=urlsplit(settings.TRACKING_URL).hostname or "localhost",
        subject=message.subject,
        message_id=message.internet_message_id,
    )
