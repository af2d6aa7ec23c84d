"""Complaints: the abuse reporting format (RFC 5965), and the older one of Microsoft's JMRP. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from tracking.returned.parts import Mail, addresses, blocks, header, headers, part_of_type, returned

_TYPE: Final = "message/feedback-report"
# What a report of this type is about is no complaint (RFC 6430; RFC 6591: how a mail failed its authentication).
_NO_COMPLAINT: Final = ("not-spam", "auth-failure", "dmarc")
_JMRP_SUBJECT = re.compile(r"complaint about (?:a )?message", re.IGNORECASE)
_JMRP_SENDER = re.compile(r"@(?:[a-z0-9-]+\.)*(?:hotmail|outlook|live|microsoft)\.com\Z", re.IGNORECASE)
_JMRP_RECIPIENT: Final = ("X-HmXmrOriginalRecipient", "X-MS-Original-Recipient")
_ANGLES: Final = "<> "


@dataclass(frozen=True, slots=True)
class Complaint:
    """Who has called a mail spam, as far as the provider tells; `envelope` is the sender of the mail's envelope."""

    type: str
    recipients: tuple[str, ...] = ()
    envelope: str = ""

    @property
    def is_one(self) -> bool:
        """Whether somebody complains: there are reports that say the contrary."""
        return self.type not in _NO_COMPLAINT


def complaint(mail: Mail) -> Complaint | None:
    """What a feedback report says; None for a mail that is none."""
    part = part_of_type(mail, _TYPE)
    return _reported(part) if part is not None else _jmrp(mail)


def _reported(part: Mail) -> Complaint:
    fields = next(iter(blocks(part)), part)
    names = ("Original-Rcpt-To", "Removal-Recipient", "X-Original-Rcpt-To")
    said = [_bare(value) for name in names for value in headers(fields, name)]
    return Complaint(
        (header(fields, "Feedback-Type") or "abuse").lower(),
        tuple(address for address in said if "@" in address),
        _bare(header(fields, "Original-Mail-From")),
    )


def _jmrp(mail: Mail) -> Complaint | None:
    """A mail with the one that was complained of in it, from an address of Microsoft's."""
    inner = returned(mail)
    senders = addresses(mail, "From")
    if inner is None or not any(_JMRP_SENDER.search(sender) for sender in senders):
        return None
    said = [_bare(header(each, name)) for name in _JMRP_RECIPIENT for each in (inner, mail)]
    recipients = tuple(address for address in said if "@" in address)
    if not recipients and not _JMRP_SUBJECT.search(header(mail, "Subject")):
        return None
    return Complaint("abuse", recipients)


def _bare(text: str) -> str:
    return text.partition(";")[2].strip(_ANGLES) if text.lower().startswith("rfc822;") else text.strip(_ANGLES)
