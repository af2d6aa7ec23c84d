"""From the bytes of a mail that came back to what it says, and to all that may name the message it is about. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final
from uuid import UUID

from tracking.mailids import METADATA_KEY
from tracking.returned.answers import guessed, is_automatic_reply, is_from_daemon
from tracking.returned.complaints import Complaint, complaint
from tracking.returned.outcomes import DELAYED, DELIVERED, FAILED, Outcome, outcomes
from tracking.returned.parts import Mail, addresses, header, headers, moment, parsed, plain_text, returned

_METADATA_HEADERS: Final = (
    "X-Metadata",
    "X-Mailgun-Variables",
    "X-SMTPAPI",
    "X-MSYS-API",
    f"X-PM-Metadata-{METADATA_KEY}",
)
_ENVELOPE_HEADERS: Final = ("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "X-RCPT-To", "To", "Cc")
_OTHER_IDS: Final = ("X-Original-Message-ID", "X-Google-Original-Message-ID", "Original-Message-ID")
_ID = re.compile(r"<[^<>\s]{1,996}>")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNSUBSCRIBE = re.compile(r"/u/([A-Za-z0-9_-]+)")
_MOST: Final = 50


class Kind(StrEnum):
    """What a mail that came back is."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Clues:
    """What may name the message, the surest first: signed addresses and links, our ids, Message-IDs, recipients."""

    envelopes: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    ids: tuple[UUID, ...] = ()
    headers: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Understood:
    """A mail that came back.

    `key` is the same for a mail by whatever way it comes in again; `sender` is the address in From; `moments` are when
    it may have happened, the likeliest first.
    """

    kind: Kind
    key: str
    sender: str = ""
    subject: str = ""
    outcomes: tuple[Outcome, ...] = ()
    complaint: Complaint | None = None
    clues: Clues = field(default_factory=Clues)
    moments: tuple[datetime, ...] = ()


def understand(raw: bytes, envelope_to: Iterable[str] = ()) -> Understood:
    """What the mail says; `envelope_to` are the addresses that it was delivered to. Raises nothing, whatever it is."""
    try:
        return _understand(raw, tuple(envelope_to))
    except Exception:
        # Mails that nobody thought of make the parsers raise what nobody thought of. Its address may name its message.
        return Understood(Kind.OTHER, _digest([raw.strip()]), clues=Clues(envelopes=tuple(envelope_to)))


def _understand(raw: bytes, envelope_to: tuple[str, ...]) -> Understood:
    mail = parsed(raw)
    inner = returned(mail)
    kind, found, complained = _kind(mail, raw)
    arrived = (moment(line.rpartition(";")[2]) for line in headers(mail, "Received"))
    moments = [*(each.at for each in found), moment(header(mail, "Date")), *arrived]
    return Understood(
        kind=kind,
        key=_key(mail, raw),
        sender=next(iter(addresses(mail, "From")), ""),
        subject=header(mail, "Subject"),
        outcomes=tuple(found[:_MOST]),
        complaint=complained,
        clues=_clues(mail, inner, envelope_to, kind, found, complained),
        moments=tuple(each for each in moments if each),
    )


def _kind(mail: Mail, raw: bytes) -> tuple[Kind, list[Outcome], Complaint | None]:
    told = outcomes(mail)
    if told:
        return _worst(told), told, None
    complained = complaint(mail)
    if complained and complained.is_one:
        return Kind.COMPLAINT, [], complained
    daemon = is_from_daemon(mail)
    if is_automatic_reply(mail) and not daemon:
        return Kind.AUTOMATIC, [], None
    guesses = guessed(mail, raw) if daemon or not header(mail, "From") or returned(mail) else []
    return (_worst(guesses) if guesses else Kind.OTHER), guesses, None


def _worst(found: Iterable[Outcome]) -> Kind:
    actions = {each.action for each in found}
    for action, kind in ((FAILED, Kind.FAILED), (DELAYED, Kind.DELAYED), (DELIVERED, Kind.DELIVERED)):
        if action in actions:
            return kind
    return Kind.OTHER


def _clues(
    mail: Mail,
    inner: Mail | None,
    envelope_to: tuple[str, ...],
    kind: Kind,
    found: Iterable[Outcome],
    complained: Complaint | None,
) -> Clues:
    mails = [each for each in (inner, mail) if each is not None]
    inside = [] if inner is None else [*addresses(inner, "Return-Path"), *addresses(inner, "Errors-To")]
    envelopes = [*envelope_to, *(each for name in _ENVELOPE_HEADERS for each in addresses(mail, name))]
    return Clues(
        envelopes=_some([*envelopes, complained.envelope if complained else "", *inside]),
        tokens=_some(_tokens(inner)),
        ids=tuple(_metadata_ids(mails)),
        headers=_some(_message_ids(mail, inner)),
        recipients=_some(_recipients(mail, inner, kind, found, complained)),
    )


def _some(texts: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order, and not without end."""
    return tuple(dict.fromkeys(text for text in texts if text))[:_MOST]


def _tokens(inner: Mail | None) -> list[str]:
    """The tokens of the links to unsubscribe, which a returned mail has in a header."""
    return _UNSUBSCRIBE.findall(header(inner, "List-Unsubscribe")) if inner is not None else []


def _metadata_ids(mails: Iterable[Mail]) -> Iterator[UUID]:
    for name in _METADATA_HEADERS:
        for mail in mails:
            for value in headers(mail, name):
                if name.endswith(METADATA_KEY) or METADATA_KEY in value:
                    yield from (UUID(found) for found in _named_in(value)[:_MOST])


def _named_in(value: str) -> list[str]:
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        return _UUID.findall(value)
    told = str(said.get(METADATA_KEY, value)) if isinstance(said, dict) else value
    return _UUID.findall(told)


def _message_ids(mail: Mail, inner: Mail | None) -> Iterator[str]:
    if inner is not None:
        for name in ("Message-ID", *_OTHER_IDS):
            yield from (value for value in headers(inner, name))
    for name in _OTHER_IDS:
        yield from headers(mail, name)
    for name in ("In-Reply-To", "References"):
        # Of a conversation, the last one is what is answered.
        yield from (each for value in headers(mail, name) for each in reversed(_ID.findall(value)))
    if inner is None:
        yield from _ids_in_text(mail)


def _ids_in_text(mail: Mail) -> list[str]:
    """Old servers write what they return below their words."""
    return re.findall(r"^(?:>\s?)?Message-ID:\s*(<[^<>\s]{1,996}>)", plain_text(mail), re.IGNORECASE | re.MULTILINE)


def _recipients(
    mail: Mail, inner: Mail | None, kind: Kind, found: Iterable[Outcome], complained: Complaint | None
) -> Iterator[str]:
    for outcome in found:
        yield from (outcome.original, outcome.recipient)
    yield from complained.recipients if complained else ()
    if inner is not None:
        yield from addresses(inner, "To")
    if kind in (Kind.AUTOMATIC, Kind.OTHER):
        yield from addresses(mail, "From")


def _key(mail: Mail, raw: bytes) -> str:
    """Without what servers on the way add to a mail, or write anew."""
    names = ("Message-ID", "Date", "From", "To", "Subject")
    whole = raw.replace(b"\r\n", b"\n")
    _, empty_line, body = whole.partition(b"\n\n")
    body = body if empty_line else whole
    return _digest(
        [*("\n".join(map(str, mail.get_all(name, []))).encode("utf-8", "replace") for name in names), body.strip()]
    )


def _digest(parts: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=20)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
