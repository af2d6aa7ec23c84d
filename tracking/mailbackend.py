"""A backend for Django's mail that wraps any other: what passes is registered, tracked, and sent on by that one.

    EMAIL_BACKEND = "tracking.mailbackend.EmailBackend"
    TRACKED_EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

One mail to several recipients becomes a mail to each. A mail of no account (none is named, and TRACKED_EMAIL_ACCOUNT is
empty) passes as it is.

What can't be registered is not sent, and the caller is told by NotRegistered before the first mail goes out; a caller
who has asked to fail silently can't try again, so that their mails go out untracked, and the log says so.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.db import Error, connection
from django.utils.timezone import now

from tracking.mailoptions import MailOptions
from tracking.mailregistry import REFUSALS, Registered, register_mails
from tracking.models import EventType, Message
from tracking.outgoing import outgoing, untouched
from tracking.outside import record_reports
from tracking.reports import Report

logger = logging.getLogger(__name__)

OURS: Final = "tracking.mailbackend.EmailBackend"
_SET_ESP_IDS = """
UPDATE tracking_message m SET esp_message_id = left(sent.esp_id, 998)
FROM unnest(%s::uuid[], %s::text[]) AS sent (id, esp_id) WHERE m.id = sent.id
"""


class NotRegistered(Exception):
    """Mails could not be registered, and none of them was sent; the text says why."""


class Copy(NamedTuple):
    """A mail as it goes out to one recipient, and its message; None where nothing was registered."""

    mail: Any
    message: Message | None


class EmailBackend(BaseEmailBackend):
    """Registers and tracks what it is given to send, and has TRACKED_EMAIL_BACKEND send it."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        """`options` are those of the backend that sends. Raises ImproperlyConfigured where that is this one."""
        super().__init__(fail_silently=fail_silently)
        if settings.TRACKED_EMAIL_BACKEND == OURS:
            raise ImproperlyConfigured(
                "TRACKED_EMAIL_BACKEND has to name the backend that sends, not the one around it."
            )
        self._sender = get_connection(settings.TRACKED_EMAIL_BACKEND, fail_silently=fail_silently, **options)

    def open(self) -> bool | None:
        return self._sender.open()

    def close(self) -> None:
        self._sender.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send the mails; how many of them went out, to one recipient at least.

        Raises NotRegistered, before anything is sent, and what the backend that sends raises; neither where it was
        asked to fail silently. A mail server that refuses some of a mail's recipients is heard of as smtplib has it:
        the others get the mail, and the caller an error where nobody got it. The messages are then in each mail's
        `tracked_messages`.
        """
        mails = [mail for mail in email_messages or () if mail.recipients()]
        if not mails:
            return 0
        registered = self._registered(mails)
        opened = self.open()
        if opened is None and getattr(self._sender, "connection", mails) is None:
            # It failed silently, and would once more for each mail.
            return 0
        sent: list[Copy] = []
        try:
            return sum(self._send(each, sent) for each in registered)
        finally:
            if opened:
                self.close()
            _keep_esp_ids(sent)

    def _registered(self, mails: Sequence[EmailMessage]) -> list[Registered]:
        try:
            return register_mails(mails, settings.TRACKED_EMAIL_ACCOUNT)
        except (Error, *REFUSALS) as error:
            words = " ".join(getattr(error, "messages", [str(error).strip()]))
            if not self.fail_silently:
                raise NotRegistered(
                    f"{len(mails)} mails were not sent, since they can't be registered. {words}"
                ) from error
            if len(mails) > 1 and not isinstance(error, Error):
                # The others may be in order.
                return [registered for mail in mails for registered in self._registered([mail])]
            logger.error(
                "Mails go out without being tracked (number: %d), since they can't be registered: %s", len(mails), words
            )
            return [Registered(mail, MailOptions(), []) for mail in mails]

    def _send(self, registered: Registered, sent: list[Copy]) -> bool:
        copies = list(self._copies(registered))
        registered.mail.tracked_messages = [message for _, message in registered.messages]  # type: ignore[attr-defined]
        went = self._send_all(copies, sent)
        if len(copies) == 1 and hasattr(copies[0].mail, "anymail_status"):
            registered.mail.anymail_status = copies[0].mail.anymail_status  # type: ignore[attr-defined]
        return went

    def _send_all(self, copies: Sequence[Copy], sent: list[Copy]) -> bool:
        before, refused = len(sent), list[tuple[Copy, SMTPRecipientsRefused]]()
        for copy in copies:
            try:
                self._send_one(copy, sent)
            except SMTPRecipientsRefused as error:
                refused.append((copy, error))
        went = len(sent) > before
        is_told = not went and not self.fail_silently
        for copy, refusal in refused:
            _record_refusal(copy.message, refusal, comes_again=is_told)
        if refused and is_told:
            raise SMTPRecipientsRefused({to: said for _, each in refused for to, said in each.recipients.items()})
        return went

    def _copies(self, registered: Registered) -> Iterable[Copy]:
        mail, options = registered.mail, registered.options
        if not registered.messages:
            yield Copy(untouched(mail), None)
        # An ESP takes what comes back itself, and tells of it; most of them know no sender of an envelope.
        envelope = not hasattr(self._sender, "esp_name")
        for recipient, message in registered.messages:
            new = outgoing(mail, recipient, message, unsubscribe=options.unsubscribe, envelope=envelope)
            yield Copy(new, message)

    def _send_one(self, copy: Copy, sent: list[Copy]) -> None:
        try:
            with _outspoken(self._sender):
                went = self._sender.send_messages([copy.mail])
        except SMTPRecipientsRefused:
            raise
        except SMTPException as error:
            _record_refusal(copy.message, error, comes_again=not self.fail_silently)
            if not self.fail_silently:
                raise
            return
        if went:
            sent.append(copy)


@contextmanager
def _outspoken(sender: BaseEmailBackend) -> Iterator[None]:
    """Have Django's own backend tell of refusals while it sends, also where it was asked to fail silently."""
    silently = sender.fail_silently
    if isinstance(sender, SmtpBackend):
        sender.fail_silently = False
    try:
        yield
    finally:
        sender.fail_silently = silently


def _keep_esp_ids(sent: Sequence[Copy]) -> None:
    """Note what the ESP calls the messages. Raises nothing: they have gone out, and our id is in their metadata."""
    ids = {copy.message.pk: id for copy in sent if copy.message and (id := _esp_id(copy.mail))}
    if not ids:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SET_ESP_IDS, [list(ids), list(ids.values())])
    except Error as error:
        logger.error("The ids that an ESP gave to mails can't be kept (number: %d): %s", len(ids), str(error).strip())


def _esp_id(mail: Any) -> str:
    id = getattr(getattr(mail, "anymail_status", None), "message_id", None)
    return id if isinstance(id, str) else ""


def _record_refusal(message: Message | None, error: SMTPException, *, comes_again: bool) -> None:
    """A mail that the server refuses has failed: for good (5xx), or since nobody is told who would send it again.

    Raises nothing.
    """
    state, code, words = _refusal(error)
    if message is None or not 400 <= code < 600 or (comes_again and code < 500):
        return
    extended, _, rest = words.partition(" ")
    data: dict[str, Any] = {"code": code, "state": state, "description": words}
    if extended.count(".") == 2 and extended.replace(".", "").isdigit():
        data |= {"extended": extended, "description": rest}
    try:
        record_reports([Report(EventType.FAILURE, message.account_id, message.pk, now(), "smtp", data, "smtp")])
    except (Error, ValueError) as trouble:
        logger.error("The failure of message %s can't be recorded: %s", message.pk, str(trouble).strip())


def _refusal(error: SMTPException) -> tuple[str, int, str]:
    """Where in SMTP it was refused, the reply code and the server's words."""
    if isinstance(error, SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()), (0, b""))
        return "rcpt", code, _text(words)
    if isinstance(error, SMTPSenderRefused):
        return "mail", error.smtp_code, _text(error.smtp_error)
    if isinstance(error, SMTPDataError):
        return "data", error.smtp_code, _text(error.smtp_error)
    return "", 0, ""


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words
