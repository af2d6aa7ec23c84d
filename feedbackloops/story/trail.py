"""All that happened to a delivery, on a line of time: the newest on top, as staff look for it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from feedbackloops.causes import Cause, cause_of
from feedbackloops.durations import short_time
from feedbackloops.models import Attempt
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.story.answers import AnswerShown, answer_shown
from feedbackloops.story.bar import Part, bar_of
from feedbackloops.story.requests import RequestShown
from feedbackloops.words import attempt_words

# An attempt kind that is no trouble of the script's: it waits, and that is all.
_MILD = (Outcome.THROTTLED,)


@dataclass(frozen=True, slots=True)
class Stop:
    """One attempt. `pause`: how long nothing was done before it."""

    attempt: Attempt
    tone: str
    words: str
    pause: str
    parts: list[Part]
    answer: AnswerShown | None
    request: RequestShown | None
    head: list[tuple[str, str]]
    is_open: bool = False

    @property
    def was_sent(self) -> bool:
        """Whether the request, or some of it, has left."""
        attempt = self.attempt
        return bool(attempt.status or attempt.first_byte or (attempt.connect and not _stuck_in_tls(attempt)))

    @property
    def reused(self) -> bool:
        """Whether the connection of an earlier call served."""
        return bool(self.attempt.status and not self.attempt.connect)

    @property
    def cause(self) -> Cause | None:
        """Why it failed."""
        return cause_of(self.attempt)


@dataclass(frozen=True, slots=True)
class Trail:
    """The attempts, the newest first; `more`: how many older ones there are beside them."""

    stops: list[Stop] = field(default_factory=list)
    more: int = 0


def stop_of(attempt: Attempt, before: Attempt | None, request: RequestShown | None, *, is_open: bool = False) -> Stop:
    """What to show of an attempt; `before` is the one that was made before it."""
    return Stop(
        attempt,
        tone_of(attempt.outcome),
        attempt_words(attempt),
        pause_between(before, attempt) if before else "",
        bar_of(attempt),
        answer_shown(attempt.answer) if attempt.answer else None,
        request,
        head_of(attempt.head),
        is_open,
    )


def tone_of(outcome: str) -> str:
    """One of the tones in history.css: good, mild or bad."""
    if outcome == Outcome.ACCEPTED:
        return "good"
    return "mild" if outcome in _MILD else "bad"


def pause_between(before: Attempt, attempt: Attempt) -> str:
    """How long nothing was done between two attempts."""
    ended = before.started + timedelta(seconds=before.total)
    return short_time(max(0.0, (attempt.started - ended).total_seconds()))


def since_words(earlier: datetime, later: datetime) -> str:
    """How much later something was."""
    seconds = (later - earlier).total_seconds()
    return _("%(time)s later") % {"time": short_time(seconds)} if seconds > 0 else _("at once")


def head_of(head: str) -> list[tuple[str, str]]:
    """The headers of an answer, without its status line."""
    lines = (line.partition(":") for line in head.split("\n")[1:])
    return [(name.strip(), value.strip()) for name, colon, value in lines if colon]


def in_order(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The newest first."""
    return sorted(attempts, key=lambda attempt: (attempt.number, attempt.started), reverse=True)


def _stuck_in_tls(attempt: Attempt) -> bool:
    """With TLS, nothing is sent before the handshake is over. What was called is not known of old attempts."""
    url = attempt.version.url if attempt.version_id and attempt.version else ""
    return url.startswith("https:") and not attempt.tls
