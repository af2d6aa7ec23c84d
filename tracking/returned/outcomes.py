"""What became of a mail at a recipient's server: delivery status notifications (RFC 3464), and such as only look so."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracking.returned.parts import Mail, blocks, header, moment, part_of_type

FAILED: Final = "failed"
DELAYED: Final = "delayed"
DELIVERED: Final = "delivered"
# The server has passed it on to one that tells nothing more.
RELAYED: Final = "relayed"

_TYPES: Final = ("message/delivery-status", "message/global-delivery-status")
# A list that has taken a mail has taken it (RFC 3464, 2.3.3).
_ACTIONS: Final = {"expanded": DELIVERED, "failure": FAILED, "fail": FAILED, "delay": DELAYED}
_BY_CLASS: Final = {"5": FAILED, "4": DELAYED, "2": DELIVERED}
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.ASCII)
_CODE = re.compile(r"([245]\d\d)(?=[ \-#]|\Z)", re.ASCII)
_EMBEDDED = re.compile(r"\\x\{(10[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2,5})\}", re.ASCII)
_KIND = re.compile(r"\A[A-Za-z][A-Za-z0-9.-]{0,40}\s{0,10};\s*")


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail server's answer: SMTP code, enhanced status code (RFC 3463) and words, as far as they are known."""

    code: int | None = None
    extended: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the mail to one recipient. `original` is whom it was sent to, before others forwarded it."""

    action: str
    recipient: str = ""
    original: str = ""
    reply: Reply = Reply()
    at: datetime | None = None


def outcomes(mail: Mail) -> list[Outcome] | None:
    """What a delivery status notification says, by recipient; None for a mail that is none."""
    part = part_of_type(mail, *_TYPES)
    return None if part is None else list(_outcomes(part))


def _outcomes(part: Mail) -> Iterator[Outcome]:
    for block in blocks(part):
        action = _action(block)
        if action and (header(block, "Final-Recipient") or header(block, "Original-Recipient")):
            yield Outcome(
                action,
                _address(header(block, "Final-Recipient")),
                _address(header(block, "Original-Recipient")),
                reply_of(_KIND.sub("", header(block, "Diagnostic-Code")), header(block, "Status")),
                moment(header(block, "Last-Attempt-Date")),
            )


def _action(block: Mail) -> str:
    said = header(block, "Action").lower().partition(" ")[0]
    action = _ACTIONS.get(said, said)
    if action in (FAILED, DELAYED, DELIVERED, RELAYED):
        return action
    status = _ENHANCED.search(header(block, "Status"))
    return _BY_CLASS[status[1]] if status else ""


def _address(field: str) -> str:
    """`rfc822; <ann@example.com>` is an address with its type before it (RFC 3464, 2.3.2; of UTF-8: RFC 6533, 3)."""
    kind, _, address = field.partition(";")
    if kind.strip().lower() == "utf-8":
        address = _EMBEDDED.sub(_character, address)
    return (address or field).strip().removeprefix("<").removesuffix(">").strip()


def _character(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character.isprintable() else found[0]


def reply_of(words: str, status: str = "") -> Reply:
    """A reply in one line, as servers and reports write it; `status` is the code that a report has beside it."""
    code = _CODE.match(words)
    stated, said = _ENHANCED.search(status), _ENHANCED.search(words)
    # Some write 5.0.0 for whatever it was, and the server has said which.
    exact = said if said and (stated is None or (stated[0].endswith(".0.0") and stated[1] == said[1])) else stated
    rest = _without(words, code[1], said[0] if said else "") if code else words
    return Reply(int(code[1]) if code else None, exact[0] if exact else "", rest.strip())


def _without(words: str, code: str, extended: str) -> str:
    """The words alone: in a reply of many lines, each begins with the codes."""
    text = re.sub(rf"\A{code}[ \-#]?", "", words)
    if not extended:
        return re.sub(rf"(?<!\S){code}-", "", text)
    codes = re.escape(extended)
    return re.sub(rf"(?<!\S){code}[ \-#]{codes}(?![\d.])[ ]?", "", re.sub(rf"\A{codes}(?![\d.])[ ]?", "", text))
