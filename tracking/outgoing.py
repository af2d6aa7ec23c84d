"""The mail that goes out in place of a mail of Django's: to one recipient, tracked, and known by its names."""

import copy
from typing import Any

from django.conf import settings
from django.core.mail import EmailAlternative, EmailMessage

from tracking.envelopes import Envelope, sign_envelope
from tracking.mailids import METADATA_KEY
from tracking.mailoptions import without_options
from tracking.messages import PLACEHOLDER, tracked_html, unsubscribe_url
from tracking.models import Message


def has_html(mail: EmailMessage) -> bool:
    """Whether there is HTML in the mail that can be tracked."""
    return _is_html_body(mail) or any(map(_is_html, getattr(mail, "alternatives", ())))


def has_passed(mail: EmailMessage) -> bool:
    """Whether it is a mail that `outgoing` has made, and that another backend hands over once more."""
    return METADATA_KEY in (getattr(mail, "metadata", None) or {})


def header_of(mail: EmailMessage, name: str) -> str:
    """What the program has set for a header, "" where it has set nothing."""
    return next((str(value) for key, value in mail.extra_headers.items() if key.lower() == name.lower()), "")


def untouched(mail: EmailMessage) -> EmailMessage:
    """The mail as it is, less the headers that are ours."""
    headers = without_options(mail.extra_headers)
    if len(headers) == len(mail.extra_headers):
        return mail
    new = copy.copy(mail)
    new.extra_headers = headers
    return new


def outgoing(mail: EmailMessage, recipient: str, message: Message, *, unsubscribe: bool, envelope: bool) -> Any:
    """The mail as it goes to this recipient; the mail that was given stays as it is.

    `unsubscribe`: with List-Unsubscribe. `envelope`: with an envelope sender that names the message, where
    ENVELOPE_DOMAIN is set.
    """
    new: Any = copy.copy(mail)
    new.to, new.cc, new.bcc = [recipient], [], []
    new.extra_headers = without_options(mail.extra_headers)
    _rewrite(new, message)
    if not header_of(new, "Message-ID"):
        new.extra_headers["Message-ID"] = f"<{message.internet_message_id}>"
    if unsubscribe:
        _add_list_unsubscribe(new, unsubscribe_url(message))
    if envelope and settings.ENVELOPE_DOMAIN:
        _set_envelope(new, message)
    new.metadata = {**(getattr(mail, "metadata", None) or {}), METADATA_KEY: str(message.pk)}
    return new


def _rewrite(new: Any, message: Message) -> None:
    if _is_html_body(new):
        new.body = tracked_html(new.body, message)
    else:
        new.body = new.body.replace(PLACEHOLDER, unsubscribe_url(message))
    if hasattr(new, "alternatives"):
        new.alternatives = [
            EmailAlternative(tracked_html(part[0], message), part[1]) if _is_html(part) else part
            for part in new.alternatives
        ]


def _add_list_unsubscribe(new: Any, url: str) -> None:
    own = header_of(new, "List-Unsubscribe")
    if "<http" in own.lower():
        # RFC 8058 (section 3.1) has one such URI, and this program its own.
        return
    _drop(new.extra_headers, "List-Unsubscribe")
    new.extra_headers["List-Unsubscribe"] = ", ".join(filter(None, (f"<{url}>", own)))
    if url.startswith("https://"):
        _drop(new.extra_headers, "List-Unsubscribe-Post")
        new.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _set_envelope(new: Any, message: Message) -> None:
    # Django has the sender of the envelope in from_email, and in a header of the program's what recipients read.
    shown = header_of(new, "From") or new.from_email
    _drop(new.extra_headers, "From")
    new.extra_headers["From"] = shown
    envelope = Envelope(message.account_id, message.pk)
    new.from_email = sign_envelope(envelope, settings.TRACKING_KEYS, settings.ENVELOPE_DOMAIN)


def _drop(headers: dict[str, Any], name: str) -> None:
    for key in [key for key in headers if key.lower() == name.lower()]:
        del headers[key]


def _is_html_body(mail: EmailMessage) -> bool:
    return mail.content_subtype == "html"


def _is_html(part: Any) -> bool:
    content, mimetype = part
    return isinstance(content, str) and str(mimetype).partition(";")[0].strip().lower() == "text/html"
