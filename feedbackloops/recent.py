"""How the loops of a page stand, in one question for all of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from feedbackloops.models import Attempt, FeedbackLoop
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.words import Standing, standing_of

SHOWN: Final = 5
_KEPT: Final = "_recent_attempts"
_LAST: Final = """
SELECT last.* FROM unnest(%s::bigint[]) AS chosen (id)
CROSS JOIN LATERAL (
    SELECT id, loop_id, started, outcome, status, message, total FROM feedbackloops_attempt
    WHERE loop_id = chosen.id AND delivery_id IS NOT NULL ORDER BY id DESC LIMIT %s
) last
"""


def fetch_recent(loops: Iterable[FeedbackLoop]) -> None:
    """Have the last attempts of these loops at hand, other than test calls."""
    by_id = {loop.pk: loop for loop in loops}
    found: dict[int, list[Attempt]] = {id: [] for id in by_id}
    for attempt in Attempt.objects.raw(_LAST, [list(by_id), SHOWN]):
        found[attempt.loop_id].append(attempt)
    for id, attempts in found.items():
        setattr(by_id[id], _KEPT, sorted(attempts, key=lambda attempt: attempt.started, reverse=True))


def standing(loop: FeedbackLoop, now: datetime) -> Standing:
    """How the loop stands at this moment."""
    return standing_of(loop, _recent(loop), now)


def seconds_a_call(loop: FeedbackLoop) -> float | None:
    """How long the script took for the last calls that it accepted; None where there are none."""
    taken = [attempt.total for attempt in _recent(loop) if attempt.outcome == Outcome.ACCEPTED]
    return sum(taken) / len(taken) if taken else None


def _recent(loop: FeedbackLoop) -> list[Attempt]:
    if not hasattr(loop, _KEPT):
        fetch_recent([loop])
    recent: list[Attempt] = getattr(loop, _KEPT)
    return recent
