"""What an ESP told in its own words, as a mail in the standard form, for scripts that read what came back. Pure.

Delivery status notifications (RFC 3464) and the abuse reporting format (RFC 5965), both as multipart/report (RFC 6522).
Nothing stands in them but what the ESP said, which the first part has word by word, and what we know of the message.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message as Part
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from tracking.returned.outcomes import Reply

_BREAKS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_INTRODUCTION: Final = (
    "%(esp)s told of this. It did not hand over a mail; this one was written from what it said:\n\n%(said)s\n"
)


@dataclass(frozen=True, slots=True)
class About:
    """What a report is about: the message as it is registered, the ESP's name, and when it happened (aware).

    `reporter` is the host that writes the report.
    """

    esp: str
    recipient: str
    moment: datetime
    reporter: str
    subject: str = ""
    message_id: str = ""


def delivery_report(about: About, reply: Reply, said: str, *, is_final: bool = True) -> str:
    """A delivery status notification of a failure, or of a delay (not `is_final`); `said` is what the ESP told."""
    server = Part()
    server["Reporting-MTA"] = f"dns; {_line(about.reporter)}"
    failure = Part()
    failure["Final-Recipient"] = f"rfc822; {_line(about.recipient)}"
    failure["Action"] = "failed" if is_final else "delayed"
    # A code has to be there; this one says that it is not known (RFC 3463, 2).
    failure["Status"] = reply.extended or f"{str(reply.code or (5 if is_final else 4))[0]}.0.0"
    if reply.code or reply.words:
        failure["Diagnostic-Code"] = f"smtp; {_said(reply)}"
    failure["Last-Attempt-Date"] = format_datetime(about.moment)
    subject = "Delivery failed" if is_final else "Delivery delayed"
    return _report(about, "delivery-status", subject, "delivery-status", [server, failure], said)


def complaint_report(about: About, said: str) -> str:
    """A feedback report of a complaint; `said` is what the ESP told."""
    fields = Part()
    fields["Feedback-Type"] = "abuse"
    fields["User-Agent"] = "MarketingSuite"
    fields["Version"] = "1"
    fields["Original-Rcpt-To"] = _line(about.recipient)
    fields["Arrival-Date"] = format_datetime(about.moment)
    return _report(about, "feedback-report", "Complaint", "feedback-report", [fields], said)


def _report(about: About, type: str, subject: str, part: str, blocks: list[Part], said: str) -> str:
    boundary = f"=_{sha256(said.encode('utf-8', 'replace')).hexdigest()[:32]}"
    report = MIMEMultipart("report", boundary=boundary)
    report.set_param("report-type", type)
    report["From"] = f"mailer-daemon@{_line(about.reporter)}"
    report["To"] = f"postmaster@{_line(about.reporter)}"
    report["Date"] = format_datetime(about.moment)
    report["Subject"] = f"{subject}: {_line(about.subject)}" if about.subject else subject
    report["Auto-Submitted"] = "auto-generated"
    report.attach(_words(about, said))
    report.attach(_machine_readable(part, blocks))
    report.attach(_headers_of(about))
    return report.as_bytes().decode("ascii", "replace")


def _words(about: About, said: str) -> MIMEText:
    text = _INTRODUCTION % {"esp": about.esp, "said": said}
    return MIMEText(text.encode("utf-8", "replace").decode(), _charset="utf-8")


def _machine_readable(type: str, blocks: list[Part]) -> MIMENonMultipart:
    part = MIMENonMultipart("message", type)
    if type == "delivery-status":
        part.set_payload(list[Part | str](blocks))
    else:
        part.set_payload(blocks[0].as_string())
    return part


def _headers_of(about: About) -> MIMENonMultipart:
    """What is known of the header of the mail that it is about."""
    known = Part()
    known["To"] = _line(about.recipient)
    if about.subject:
        known["Subject"] = _line(about.subject)
    if about.message_id:
        known["Message-ID"] = f"<{_line(about.message_id)}>"
    part = MIMENonMultipart("text", "rfc822-headers")
    part.set_payload(known.as_string())
    return part


def _said(reply: Reply) -> str:
    return " ".join(filter(None, [str(reply.code or ""), reply.extended, _line(reply.words)]))


def _line(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()
