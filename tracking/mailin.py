"""A mail that came back → events of the message it is about, or, where nobody can tell, a mail kept for people."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import time
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from profiles.addresses import normal_address
from tracking.envelopes import Envelope
from tracking.finding import Trace, find_messages
from tracking.forgotten import are_forgotten
from tracking.mailids import normal_message_id
from tracking.models import EventType, Message, UnreadMail
from tracking.outside import record_reports
from tracking.reports import Report
from tracking.returned import Kind, Understood, understand
from tracking.returned.naming import likely_moment, signed_name
from tracking.returned.outcomes import DELIVERED, FAILED, Outcome

# Of a longer mail no more is read; what is sent on of it is far less.
MOST_BYTES: Final = 10 * 1024 * 1024
MOST_UNREAD: Final = 10_000
# As `register` makes it of a message's id where a mail has none.
_OUR_MESSAGE_ID: Final = re.compile("([0-9a-f]{32})@.*", re.ASCII)
# Whoever writes from an address may mean anything, unless a machine answers for it.
_NAMED_BY_RECIPIENT: Final = frozenset(Kind) - {Kind.OTHER}


@dataclass(frozen=True, slots=True)
class Reading:
    """A mail, what was understood of it, the messages that it is about and the reports that follow from it."""

    raw: bytes
    envelope_to: tuple[str, ...]
    understood: Understood
    named: Envelope | None
    messages: tuple[Message, ...]
    reports: tuple[Report, ...]

    @property
    def problem(self) -> str:
        """Why no event comes of it, for people; "" where one does."""
        if self.reports:
            return ""
        if self.named:
            return f"Its address names the message {self.named.message}, which is no longer there."
        if self.understood.kind == Kind.OTHER:
            return "It is no report that we know, and names no message."
        return "It names no message that we know."


def read_mail(raw: bytes, envelope_to: Sequence[str] = ()) -> Reading:
    """What the mail says and which messages it means; stores nothing. Raises django.db.Error, and nothing else."""
    raw = raw[:MOST_BYTES]
    understood = understand(raw, envelope_to)
    named = signed_name(understood.clues, settings.TRACKING_KEYS, time())
    found = _found(understood, named)
    reports = tuple(report for message, outcome in found for report in _reports(raw, understood, message, outcome))
    messages = tuple(message for message, _ in found)
    return Reading(raw, tuple(envelope_to), understood, named, messages, reports)


def take_mail(raw: bytes, envelope_to: Sequence[str] = ()) -> Reading:
    """Record the events of a mail, or keep it for people; the same mail makes them once.

    What names a message of somebody who was forgotten, be it by the Message-ID that we gave it, is not kept.

    Raises django.db.Error while the database is away: nothing was kept, and whoever hands it over is to try again.
    """
    reading = read_mail(raw, envelope_to)
    if reading.reports:
        record_reports(reading.reports)
    elif not are_forgotten(_named_ids(reading)):
        keep_unread(reading)
    return reading


def _named_ids(reading: Reading) -> set[UUID]:
    clues = reading.understood.clues
    ours = (
        UUID(found[1]) for header in clues.headers if (found := _OUR_MESSAGE_ID.fullmatch(normal_message_id(header)))
    )
    return {*clues.ids, *ours, *([reading.named.message] if reading.named else [])}


def keep_unread(reading: Reading) -> None:
    """Keep the mail, once. Raises django.db.Error."""
    UnreadMail.objects.get_or_create(
        key=reading.understood.key,
        defaults={
            "raw": reading.raw,
            "envelope_to": _text(", ".join(reading.envelope_to)),
            "sender": _text(reading.understood.sender),
            "subject": _text(reading.understood.subject),
            "reason": reading.problem,
        },
    )


def read_again(mail: UnreadMail) -> bool:
    """Take a mail that was kept once more; whether events came of it, and the mail is gone. Raises django.db.Error."""
    reading = read_mail(bytes(mail.raw), [each for each in mail.envelope_to.split(", ") if each])
    if not reading.reports:
        return False
    with transaction.atomic():
        record_reports(reading.reports)
        mail.delete()
    return True


def prune_unread(moment: datetime, days: int) -> int:
    """Delete mails that were kept for so many days, and the oldest of far too many; how many. Raises django.db.Error.

    They are what nobody could read, and so they may be anything that anybody sent.
    """
    old = UnreadMail.objects.filter(received__lt=moment - timedelta(days=days))
    beyond = UnreadMail.objects.order_by("-id").values_list("pk", flat=True)[MOST_UNREAD:]
    return old.delete()[0] + UnreadMail.objects.filter(pk__in=list(beyond)).delete()[0]


def _text(text: str) -> str:
    """As much of it as has room, of characters that PostgreSQL holds."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[: UnreadMail.LONGEST]


def _found(understood: Understood, named: Envelope | None) -> list[tuple[Message, Outcome | None]]:
    """The messages, each with what the mail says became of it, if it says so; each message once."""
    if named:
        (message,) = find_messages([Trace(named.message)], account=named.account, before=now())
        return [(message, _outcome_for(message, understood.outcomes))] if message else []
    by_message: dict[Any, tuple[Message, Outcome | None]] = {}
    outcomes: list[Outcome | None] = [*_worst_first(understood.outcomes)]
    for outcome in outcomes or [None]:
        if message := _find(understood, outcome):
            by_message.setdefault(message.pk, (message, outcome))
    return list(by_message.values())


def _worst_first(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: outcome.action != FAILED)


def _outcome_for(message: Message, outcomes: Sequence[Outcome]) -> Outcome | None:
    """That of the message's own recipient; else, since mail is forwarded, the worst one."""
    address = normal_address(message.recipient)
    own = [each for each in outcomes if address in (normal_address(each.original), normal_address(each.recipient))]
    return next(iter(_worst_first(own or outcomes)), None)


def _find(understood: Understood, outcome: Outcome | None) -> Message | None:
    clues = understood.clues
    recipients = (outcome.original, outcome.recipient) if outcome else clues.recipients
    traces = [*(Trace(message=id) for id in clues.ids), *_traces(clues.headers, [each for each in recipients if each])]
    moment = next(iter(understood.moments), None)
    before = min(moment, now()) if moment else now()
    ids = {normal_message_id(header) for header in clues.headers}
    for message in find_messages(traces, account=None, before=before) if traces else ():
        if message and _fits(message, ids, understood):
            return message
    return None


def _traces(headers: Sequence[str], recipients: Sequence[str]) -> Iterator[Trace]:
    for header in headers:
        yield from (Trace(header=header, recipient=recipient) for recipient in recipients or [""])
    for recipient in recipients:
        yield Trace(recipient=recipient)


def _fits(message: Message, ids: set[str], understood: Understood) -> bool:
    """Found by its id; or by its recipient alone, where the mail may be about it: a returned one with another
    Message-ID is another mail."""
    if message.pk in understood.clues.ids or message.internet_message_id in ids - {""}:
        return True
    return understood.kind in _NAMED_BY_RECIPIENT and not (ids - {""} and message.internet_message_id)


def _reports(raw: bytes, understood: Understood, message: Message, outcome: Outcome | None) -> Iterator[Report]:
    moment = likely_moment(understood.moments, message.created, now())
    for type, data in _events(raw, understood, message, outcome):
        yield Report(
            type.value, message.account_id, message.pk, moment, understood.key, data, f"mail: {understood.kind}"
        )


def _events(
    raw: bytes, understood: Understood, message: Message, outcome: Outcome | None
) -> Iterator[tuple[EventType, dict[str, Any]]]:
    if understood.complaint:
        # Providers may hide who it was; the mail went to one person.
        complainants = (*understood.complaint.recipients, message.recipient)
        yield EventType.ABUSE, {"emailfrom": complainants[0], "mime": raw}
        return
    if outcome and outcome.action == DELIVERED:
        yield EventType.DELIVERY, _smtp(outcome)
        return
    if outcome and outcome.action == FAILED:
        yield EventType.FAILURE, {**_smtp(outcome), "state": "bounce"}
    yield EventType.BOUNCE, {"envelope": _envelope(understood), "mime": raw}


def _smtp(outcome: Outcome) -> dict[str, Any]:
    reply = outcome.reply
    return {"code": reply.code, "extended": reply.extended, "description": reply.words}


def _envelope(understood: Understood) -> str:
    return next(iter(understood.clues.envelopes), "")
