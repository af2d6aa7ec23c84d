"""What stands in an ESP's own event beyond the vocabulary that all of them share. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

# One step of a path: whatever key there is, or the last one of a list.
ANY: Final = "*"
# Later than any instant in seconds, and earlier than any in milliseconds.
_MILLISECONDS_FROM: Final = 10**11

Path = Sequence[str]


class Paths(NamedTuple):
    """Where an ESP's event has what: paths of keys, the first that leads to a value counts.

    `key` is the ESP's name of the event, the same however often it is sent. `header` is the Message-ID, `code` and
    `status` are the SMTP reply code and the enhanced one, `ip` and `agent` are the recipient's, `raw` is the mail that
    came back.
    """

    key: Sequence[Path] = ()
    moments: Sequence[Path] = ()
    header: Sequence[Path] = ()
    code: Sequence[Path] = ()
    status: Sequence[Path] = ()
    words: Sequence[Path] = ()
    ip: Sequence[Path] = ()
    agent: Sequence[Path] = ()
    raw: Sequence[Path] = ()


class Extras(NamedTuple):
    """What was found by the paths; what is not there is empty."""

    key: str = ""
    moments: tuple[datetime, ...] = ()
    header: str = ""
    code: str = ""
    status: str = ""
    words: str = ""
    ip: str = ""
    agent: str = ""
    raw: str = ""


_SES_PARTS: Final = ("bounce", "complaint", "delivery", "deliveryDelay", "open", "click", "subscription")
PATHS: Final[Mapping[str, Paths]] = {
    "amazon_ses": Paths(
        # Where notifications and event publishing are both on, SNS has a name for each; this one they share.
        key=[("bounce", "feedbackId"), ("complaint", "feedbackId")],
        moments=[(part, "timestamp") for part in _SES_PARTS],
        header=[("mail", "commonHeaders", "messageId")],
        ip=[("open", "ipAddress"), ("click", "ipAddress"), ("subscription", "sourceIpAddress")],
    ),
    "brevo": Paths(moments=[("ts_epoch",), ("ts_event",)], ip=[("ip",)], agent=[("user_agent",)]),
    "mailersend": Paths(
        moments=[("data", "created_at"), ("created_at",)],
        ip=[("data", "morph", "ip"), ("data", "ip")],
        agent=[("data", "morph", "user_agent")],
    ),
    "mailgun": Paths(
        # Its token is made anew where a call is repeated.
        key=[("event-data", "id")],
        code=[("event-data", "delivery-status", "code"), ("code",)],
        status=[("event-data", "delivery-status", "enhanced-code")],
        ip=[("event-data", "ip"), ("ip",)],
    ),
    "mailjet": Paths(words=[("comment",), ("error",)], ip=[("ip",)]),
    "mailtrap": Paths(code=[("response_code",)], words=[("reason",)], ip=[("ip",)]),
    "mandrill": Paths(words=[("msg", "smtp_events", ANY, "diag"), ("msg", "bounce_description")], ip=[("ip",)]),
    "postal": Paths(
        header=[("payload", part, "message_id") for part in ("message", "original_message")],
        ip=[("payload", "ip_address")],
    ),
    "postmark": Paths(ip=[("Geo", "IP")], raw=[("Content",)]),
    "resend": Paths(ip=[("data", "click", "ipAddress"), ("data", "open", "ipAddress")]),
    "sendgrid": Paths(header=[("smtp-id",)], status=[("status",)], ip=[("ip",)]),
    "sparkpost": Paths(
        moments=[("msys", ANY, "timestamp")],
        code=[("msys", ANY, "error_code")],
        ip=[("msys", ANY, "ip_address")],
    ),
    "unisender_go": Paths(ip=[("delivery_info", "ip")]),
}


def extras(esp: str, event: Mapping[str, Any], recipient: str = "") -> Extras:
    """What the event of this ESP has; `recipient` is whose it is, where it speaks of several."""
    paths = PATHS.get(esp, Paths())
    found = Extras(
        key=_text(event, paths.key),
        moments=tuple(moment for value in _all(event, paths.moments) if (moment := moment_of(value))),
        header=_text(event, paths.header),
        code=_text(event, paths.code),
        status=_text(event, paths.status),
        words=_text(event, paths.words),
        ip=_text(event, paths.ip),
        agent=_text(event, paths.agent),
        raw=_text(event, paths.raw),
    )
    return _of_ses(found, event, recipient) if esp == "amazon_ses" else found


def _of_ses(found: Extras, event: Mapping[str, Any], recipient: str) -> Extras:
    """With the Message-ID that the mail was sent with, and what SES says of this one of the recipients.

    An event that is published has the id of SES among the common headers, a notification has the mail's own there.
    """
    ids = (each for each in _list(_at(event, ("mail", "headers"))) if _text(each, [("name",)]).lower() == "message-id")
    return _of_recipient(found._replace(header=_text(next(ids, {}), [("value",)]) or found.header), event, recipient)


def _of_recipient(found: Extras, event: Mapping[str, Any], recipient: str) -> Extras:
    lists = [("bounce", "bouncedRecipients"), ("deliveryDelay", "delayedRecipients")]
    for each in (each for path in lists for each in _list(_at(event, path))):
        if isinstance(each, Mapping) and str(each.get("emailAddress")).lower() == recipient.lower():
            return found._replace(status=_text(each, [("status",)]), words=_text(each, [("diagnosticCode",)]))
    return found


def moment_of(value: Any) -> datetime | None:
    """An instant as ESPs write it, in Unix seconds or milliseconds, or by ISO 8601 with its zone; None for no other."""
    try:
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,16}(\.[0-9]{1,9})?", value):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else None
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _text(event: Mapping[str, Any], paths: Sequence[Path]) -> str:
    return next((str(value) for value in _all(event, paths) if value != ""), "")


def _all(event: Mapping[str, Any], paths: Sequence[Path]) -> Iterator[str | int | float]:
    for path in paths:
        value = _at(event, path)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield value


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, list) and step == ANY:
            value = value[-1] if value else None
        elif isinstance(value, Mapping):
            value = next(iter(value.values()), None) if step == ANY else value.get(step)
        else:
            return None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
