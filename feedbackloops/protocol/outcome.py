"""What the answer to an attempt means."""

import enum
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from .retry import DAY


class Outcome(enum.StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    """2xx: the script has it."""
    REJECTED = "rejected"
    """3xx and 4xx: the script, or what stands at its URL, did not want it."""
    GONE = "gone"
    """410: the script wants nothing any more."""
    THROTTLED = "throttled"
    """429, or 503 with Retry-After: later."""
    SERVER_ERROR = "server error"
    """5xx, or an answer that is not HTTP."""
    TIMED_OUT = "timed out"
    """No connection, or no whole answer, in time."""
    UNREACHABLE = "unreachable"
    """Name not found, connection refused or lost, certificate not trusted."""
    BLOCKED = "blocked"
    """The address is one that is never called."""


TROUBLE = frozenset({Outcome.SERVER_ERROR, Outcome.TIMED_OUT, Outcome.UNREACHABLE})


class ErrorKind(enum.StrEnum):
    """Why there is no whole answer."""

    TIMED_OUT = "timed out"
    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    TLS = "tls"
    BLOCKED = "blocked"
    PROTOCOL = "protocol"
    TOO_LARGE = "too large"


# One is made for each call, and frozen it would take three times as long to make.
@dataclass(slots=True)
class Reply:
    """What came back from a call. `status` is 0 where none was read; the texts are as the other side gave them."""

    status: int = 0
    error: ErrorKind | None = None
    error_message: str = ""
    redirect: str = ""
    retry_after: str | None = None


class Judgement(NamedTuple):
    """The outcome, a sentence on it for staff, and the seconds that the script asked us to wait."""

    outcome: Outcome
    message: str
    retry_after: float | None = None


_ERRORS = {
    ErrorKind.TIMED_OUT: (
        Outcome.TIMED_OUT,
        "The script did not answer in time; let it answer first and work afterwards.",
    ),
    ErrorKind.DNS: (Outcome.UNREACHABLE, "The name of the server cannot be found; check the URL and its DNS records."),
    ErrorKind.REFUSED: (
        Outcome.UNREACHABLE,
        "The server refused the connection; check that it runs and that its firewall lets us in.",
    ),
    ErrorKind.RESET: (Outcome.UNREACHABLE, "The server closed the connection before it had answered."),
    ErrorKind.TLS: (
        Outcome.UNREACHABLE,
        "The connection cannot be trusted; check the certificate of the server and its chain.",
    ),
    ErrorKind.BLOCKED: (
        Outcome.BLOCKED,
        "The address of the server is not a public one, so it is never called; use a public server.",
    ),
    ErrorKind.PROTOCOL: (Outcome.SERVER_ERROR, "The server answered something that is not HTTP."),
    ErrorKind.TOO_LARGE: (Outcome.SERVER_ERROR, "The server sent more than we read, and no status."),
}


def judge(reply: Reply, *, now: datetime, is_test: bool = False) -> Judgement:
    """Judge a reply that came in at `now` (aware). Of an answer that was too large only the status counts.

    Whatever the answer to a test call, it changes nothing; the sentence on it says so where that matters.
    """
    if reply.error is not None and not (reply.error is ErrorKind.TOO_LARGE and reply.status):
        return _judge_error(reply.error, reply.error_message)
    retry_after = None if reply.retry_after is None else parse_retry_after(reply.retry_after, now)
    outcome = _outcome(reply.status, retry_after)
    if outcome in (Outcome.ACCEPTED, Outcome.GONE):
        retry_after = None
    return Judgement(outcome, _words(outcome, reply, is_test), retry_after)


def _judge_error(error: ErrorKind, detail: str) -> Judgement:
    outcome, message = _ERRORS[error]
    detail = shown(detail)
    return Judgement(outcome, f"{message} ({detail})" if detail else message)


def error_kind_of(message: str) -> ErrorKind | None:
    """Which error a judgement's message is about; None where it is about an answer."""
    return next((kind for kind, (_, words) in _ERRORS.items() if message.startswith(words)), None)


def _outcome(status: int, retry_after: float | None) -> Outcome:
    if 200 <= status <= 299:
        return Outcome.ACCEPTED
    if status == 410:
        return Outcome.GONE
    if status == 429 or (status == 503 and retry_after is not None):
        return Outcome.THROTTLED
    if 300 <= status <= 499:
        return Outcome.REJECTED
    return Outcome.SERVER_ERROR if status else Outcome.UNREACHABLE


def _words(outcome: Outcome, reply: Reply, is_test: bool) -> str:
    status = f"(status {reply.status})"
    match outcome:
        case Outcome.ACCEPTED:
            return f"The script accepted it {status}."
        case Outcome.GONE:
            follows = "; a real call would stop the loop" if is_test else ", so the loop stops until someone resumes it"
            return f"The script says that it is gone for good {status}{follows}."
        case Outcome.THROTTLED:
            follows = "." if is_test else "; it gets this again later."
            return f"The script asks for fewer calls {status}{follows}"
        case Outcome.REJECTED if reply.status < 400:
            return _redirect_words(reply)
        case Outcome.REJECTED:
            return f"The script refused it {status}{_HINTS.get(reply.status, '')}. Only a 2xx answer counts as success."
        case Outcome.UNREACHABLE:
            return "The server gave no answer."
    if reply.status >= 500 and reply.status <= 599:
        return f"The script failed {status}; look into the error log of its server."
    return f"The server gave an answer that ends no HTTP call {status}."


_HINTS = {
    401: ": it wants a login, which is never sent",
    403: ": the server allows us no access, or the script did not accept our signature: see its answer",
    404: ": nothing stands at this URL",
    405: ": it does not take POST",
    413: ": it takes only smaller bodies",
}


def _redirect_words(reply: Reply) -> str:
    if reply.status == 304 or not reply.redirect:
        return f"The script answered with status {reply.status}. Only a 2xx answer counts as success."
    return f"The script redirected to {shown(reply.redirect)}. Redirects are never followed; enter that URL instead."


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds to wait (0 to a day) of a Retry-After header (RFC 9110, 10.2.3), or None for garbage."""
    value = value.strip()
    if re.fullmatch(r"-?[0-9]+", value, re.ASCII):
        return 0.0 if value[0] == "-" else min(float(value), DAY)
    at = _http_date(value)
    return None if at is None else min(max((at - now).total_seconds(), 0.0), DAY)


def _http_date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def shown(text: str, longest: int = 300) -> str:
    """Return what a stranger sent as one line without control characters, cut to `longest` characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text[:2000]).split())
    return line if len(line) <= longest else line[:longest] + "…"
