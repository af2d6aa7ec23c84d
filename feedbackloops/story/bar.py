"""Where the time of a call went: the parts of a bar."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from feedbackloops.durations import short_time
from feedbackloops.models import Attempt
from feedbackloops.protocol.outcome import ErrorKind, error_kind_of

WIDTH: Final = 1000
# A part that took some time is to be seen, however short it was.
LEAST: Final = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A step of the call; `at` and `width` in thousandths of the bar, `kind` is one of the classes in history.css."""

    kind: str
    label: str
    took: str
    at: int
    width: int


def bar_of(attempt: Attempt) -> list[Part]:
    """The steps that took time, one after the other; nothing of an attempt that took none."""
    steps = [(kind, label, seconds) for kind, label, seconds in _steps(attempt) if seconds > 0.000_05]
    if not steps:
        return []
    room = WIDTH - LEAST * len(steps)
    whole = sum(seconds for _, _, seconds in steps)
    parts, at = [], 0
    for kind, label, seconds in steps:
        width = LEAST + round(room * seconds / whole)
        parts.append(Part(kind, label, short_time(seconds), at, width))
        at += width
    return parts


def _steps(attempt: Attempt) -> list[tuple[str, str, float]]:
    known = attempt.dns + attempt.connect + attempt.tls + attempt.first_byte
    rest = max(0.0, attempt.total - known)
    return [
        ("dns", _("DNS"), attempt.dns),
        ("connect", _("Connect"), attempt.connect),
        ("tls", _("TLS"), attempt.tls),
        ("wait", _("Wait for the answer"), attempt.first_byte),
        _rest(attempt, rest),
    ]


def _rest(attempt: Attempt, seconds: float) -> tuple[str, str, float]:
    if attempt.status:
        return "read", _("Read the answer"), seconds
    if error_kind_of(attempt.message) is ErrorKind.TLS:
        return "vain", _("TLS, which failed"), seconds
    if attempt.connect:
        return "vain", _("Wait in vain"), seconds
    return "vain", _("No connection"), seconds
