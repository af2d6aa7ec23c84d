"""Answers that a machine gives in a person's place (RFC 3834), and bounces that follow no standard. Pure."""

import logging
import re
from email.utils import parseaddr
from typing import Final

from flufl.bounce import all_failures

from tracking.returned.outcomes import DELAYED, FAILED, Outcome, Reply, reply_of
from tracking.returned.parts import Mail, header, headers, parsed, plain_text, text_of

# It tells of each attempt, and of each fault with its trace; what it can't read, we say ourselves.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

_DAEMONS: Final = ("mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon", "double-bounce", "mailer")
_AUTOMATIC_HEADERS: Final = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Autoreply-From", "X-Vacation")
_AUTOMATIC_PRECEDENCE: Final = ("auto_reply", "auto-reply")
_AUTOMATIC_SUBJECT = re.compile(
    r"(?:automatic reply|auto(?:matic)?[ -]?(?:reply|response)|out of (?:the )?office|autosvar|automatische antwort|"
    r"automatisch antwoord|réponse automatique|respuesta automática|risposta automatica|abwesen(?:d|heit)|afwezig)",
    re.IGNORECASE,
)
# flufl.bounce takes time that grows with the cube of a line's length, and holds up all other threads meanwhile.
_LONG_LINE = re.compile(r"([^\n]{200})[^\n]+")
_MOST_TEXT: Final = 30_000
_STATUS_LINE = re.compile(r"(?<![\d.])([45]\d\d)[ \-](?:#?[45]\.\d{1,3}\.\d{1,3})?", re.ASCII)


def is_from_daemon(mail: Mail) -> bool:
    """Whether a mail server itself has sent it."""
    sender = parseaddr(header(mail, "From"))[1].lower()
    local = sender.partition("@")[0]
    return local in _DAEMONS or "X-Failed-Recipients" in mail


def is_automatic_reply(mail: Mail) -> bool:
    """Whether it answers by itself, as servers and programs mark it; some do it by the subject alone."""
    submitted = header(mail, "Auto-Submitted").lower().partition(";")[0].strip()
    if submitted.startswith("auto-"):
        return True
    if header(mail, "Precedence").lower() in _AUTOMATIC_PRECEDENCE or any(name in mail for name in _AUTOMATIC_HEADERS):
        return True
    return bool(_AUTOMATIC_SUBJECT.match(header(mail, "Subject")))


def guessed(mail: Mail, raw: bytes) -> list[Outcome]:
    """What a bounce says that follows no standard, as far as it can be told; nothing for another mail.

    `raw` are the bytes that the mail was parsed from.
    """
    delayed, failed = _found(raw)
    failed |= {address for name in headers(mail, "X-Failed-Recipients") for address in _list(name)} - delayed
    reply = _reply(mail) if delayed or failed else Reply()
    found = [Outcome(FAILED, address, reply=reply) for address in sorted(failed)]
    return found + [Outcome(DELAYED, address, reply=reply) for address in sorted(delayed - failed)]


def _found(raw: bytes) -> tuple[set[str], set[str]]:
    try:
        delayed, failed = all_failures(_shortened(parsed(raw)))
    except Exception:
        # It raises whatever an odd mail makes its rules run into; then they say nothing.
        return set(), set()
    return _texts(delayed), _texts(failed)


def _shortened(mail: Mail) -> Mail:
    """The mail with as much text as these rules can look through, each line cut."""
    left = _MOST_TEXT
    for part in mail.walk():
        if not part.is_multipart():
            text = _LONG_LINE.sub(r"\1", text_of(part))[:left] if left else ""
            left -= len(text)
            del part["Content-Transfer-Encoding"]
            part.set_payload(text)
    return mail


def _texts(found: frozenset[bytes]) -> set[str]:
    texts = {each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in found}
    return {text for text in texts if "@" in text}


def _list(text: str) -> list[str]:
    return [address.strip() for address in text.split(",") if "@" in address]


def _reply(mail: Mail) -> Reply:
    """The line in which the server's answer stands, from its code on."""
    for line in plain_text(mail).splitlines():
        if match := _STATUS_LINE.search(line):
            return reply_of(" ".join(line[match.start() :].split()).replace(" #", " "))
    return Reply()
