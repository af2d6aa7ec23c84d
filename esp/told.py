"""From what an ESP told, in the vocabulary of django-anymail, to the events of a message. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

from esp.extras import Extras, extras
from esp.standard import About, complaint_report, delivery_report
from tracking.mailids import LONGEST_MESSAGE_ID, METADATA_KEY
from tracking.returned.outcomes import Reply, reply_of

OPEN: Final = "open"
CLICK: Final = "click"

# What django-anymail calls it, and the types of our events. What is not here (queued, sent, subscribed, …) is none.
TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "delivered": ("delivery",),
    # Nothing has failed yet: as with a delay that a mail server reports, the report itself is all there is to tell.
    "deferred": ("bounce",),
    "bounced": ("failure", "bounce"),
    "rejected": ("failure",),
    "failed": ("failure",),
    "autoresponded": ("bounce",),
    "complained": ("abuse",),
    "unsubscribed": ("unsubscribe",),
    "opened": (OPEN,),
    "clicked": (CLICK,),
}
STATES: Final[Mapping[str, str]] = {"bounced": "bounce"}
# Why an ESP sent nothing; "other" says no more than nothing.
REASONS: Final[Mapping[str, str]] = {
    "invalid": "The address is not valid.",
    "bounced": "Mail to this address has bounced before.",
    "timed_out": "Mail to this address could not be delivered before.",
    "blocked": "The provider does not send to this address.",
    "spam": "The recipient has complained of spam before.",
    "unsubscribed": "The recipient has unsubscribed before.",
}

_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_CODE = re.compile(r"[2-5][0-9]{2}", re.ASCII)
# What stands before the server's answer: "smtp; 550 …" (RFC 3464, 2.3.6), "RecipientError: 550 …", "sent (250 …)".
_BEFORE = re.compile(r"\A(?:[a-z0-9-]{1,20};\s*|(?:\d{3} )?[A-Za-z]{1,40}Error:\s*|(?:sent|bounced) \()", re.ASCII)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that an ESP told of a mail. `kind` is django-anymail's word for it; what is not known is empty.

    `key` names it, so that what is told twice is one event. `moments` are when it may have happened, the likeliest
    first. `message` is our id, `esp_id` the ESP's, `header` the Message-ID. `agent` is the recipient's program, `raw`
    the mail that came back, and `original` the ESP's event as JSON.
    """

    esp: str
    kind: str
    key: str
    moments: tuple[datetime, ...] = ()
    message: UUID | None = None
    esp_id: str = ""
    header: str = ""
    recipient: str = ""
    reply: Reply = field(default_factory=Reply)
    ip: str = ""
    agent: str = ""
    url: str = ""
    raw: str = ""
    original: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the events that it makes; none for what nobody is told of."""
        if self.kind == "autoresponded" and not self.raw:
            # A mail came back, and the ESP keeps it to itself.
            return ()
        return TYPES.get(self.kind, ())


def told_of(esp: str, event: Any) -> Told:
    """What django-anymail's event (AnymailTrackingEvent) of this ESP tells. Raises ValueError for JSON that is none."""
    own = _as_json(event.esp_event)
    recipient = _line(event.recipient)
    more = extras(esp, own, recipient)
    original = json.dumps(own, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    return Told(
        esp=esp,
        kind=_kind(esp, event, own),
        key=more.key or _line(event.event_id) or sha256(original.encode("utf-8", "replace")).hexdigest(),
        moments=(*more.moments, *([event.timestamp] if _is_aware(event.timestamp) else [])),
        message=_our_id(event.metadata),
        esp_id=_id(event.message_id),
        header=_id(more.header) or _id(event.message_id),
        recipient=recipient,
        reply=_reply(event, more),
        ip=_ip(more.ip),
        agent=_line(event.user_agent) or _line(more.agent),
        url=event.click_url if isinstance(event.click_url, str) else "",
        raw=more.raw,
        original=_NOT_TEXT.sub("\ufffd", original),
    )


def data_of(told: Told, type: str, about: About) -> dict[str, Any]:
    """What the event of this type holds, in the names of the wire contract."""
    reply = {"code": told.reply.code, "extended": told.reply.extended, "description": told.reply.words}
    seen = {"ip": told.ip, "useragent": told.agent}
    match type:
        case "failure":
            return {**reply, "state": STATES.get(told.kind, "")}
        case "bounce":
            is_final = told.kind != "deferred"
            return {"mime": told.raw or delivery_report(about, told.reply, told.original, is_final=is_final)}
        case "abuse":
            return {"emailfrom": about.recipient, "mime": told.raw or complaint_report(about, told.original)}
        case "click":
            return {**seen, "original": told.url}
        case "open" | "unsubscribe":
            return seen
    return reply


def _kind(esp: str, event: Any, own: Mapping[str, Any]) -> str:
    kind = str(event.event_type)
    if esp == "postmark" and own.get("RecordType") == "SubscriptionChange" and kind != "unsubscribed":
        # Postmark suppresses an address that has bounced or complained; of that it tells by itself.
        return "unknown"
    return kind


def _as_json(own: Any) -> Mapping[str, Any]:
    """A form as a map, where that is how the ESP sends it."""
    if hasattr(own, "dict"):
        own = own.dict()
    if not isinstance(own, Mapping):
        raise ValueError("An ESP's event is an object of JSON.")
    return own


def _our_id(metadata: Any) -> UUID | None:
    value = metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _reply(event: Any, more: Extras) -> Reply:
    said = more.words if more.words and not event.mta_response else _line(event.mta_response)
    words = _without_introduction(_line(said) or _line(event.description))
    reply = reply_of(words, more.status)
    if reply.code is None and _CODE.fullmatch(more.code):
        reply = reply_of(f"{more.code} {words}", more.status)
    known = REASONS.get(str(event.reject_reason), "") if event.event_type in ("rejected", "failed") else ""
    return Reply(reply.code, reply.extended, reply.words or known)


def _id(value: Any) -> str:
    return _line(str(value) if isinstance(value, int) else value)[:LONGEST_MESSAGE_ID]


def _without_introduction(words: str) -> str:
    found = _BEFORE.match(words)
    rest = words[found.end() :] if found else words
    return rest.removesuffix(")") if found and found[0].endswith("(") else rest


def _ip(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""


def _line(value: Any) -> str:
    """A text on one line that PostgreSQL holds; "" for what is none."""
    return _UNSTORABLE.sub(" ", value).strip() if isinstance(value, str) else ""


def _is_aware(moment: Any) -> bool:
    return isinstance(moment, datetime) and moment.tzinfo is not None
