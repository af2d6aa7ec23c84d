"""From the answer to a call to what becomes of its delivery."""

import logging
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings

from feedbackloops.lane import Lane
from feedbackloops.lanes import Claimed, Done
from feedbackloops.models import DeliveryState
from feedbackloops.outbound.calls import Answer
from feedbackloops.protocol.outcome import Judgement, Outcome
from feedbackloops.protocol.retry import next_pause
from tracking.ids import derived_id

logger = logging.getLogger(__name__)

# The attempts that this process has recorded since it started, by outcome.
RECORDED: Final[Counter[str]] = Counter()


@dataclass(slots=True, eq=False)
class Sending:
    """A delivery whose attempt, of this id, is under way; `at` in monotonic seconds."""

    id: UUID
    claimed: Claimed
    lane: Lane
    started: datetime
    at: float
    # Of the script, when the call was made.
    version: int | None = None


def attempt_id(claimed: Claimed, lane: Lane) -> UUID:
    """The id of the delivery's next attempt.

    The fence is part of it: two engines that make the same attempt, one of them asleep, both keep theirs.
    """
    return derived_id(claimed.id, claimed.attempts + 1, lane.lease.number)


def ended(sending: Sending, answer: Answer, judgement: Judgement) -> Done:
    """What to record of an attempt that was made."""
    made = sending.claimed.attempts + 1 - sending.claimed.attempts_before
    state, pause = _state_after(judgement, made)
    return _done(sending, answer, judgement, state, pause)


def unsendable(sending: Sending, reason: str, state: DeliveryState) -> Done:
    """What to record of a delivery that no call can be made for: it ends here, with the reason."""
    return _done(sending, Answer(started=False), Judgement(Outcome.REJECTED, reason), state, 0.0)


def log_starts(sendings: Iterable[Sending]) -> None:
    """Follow deliveries on their way: at LOG_LEVEL=DEBUG, a line for each attempt that goes out."""
    if logger.isEnabledFor(logging.DEBUG):
        for sending in sendings:
            _log(sending, "goes out")


def log_end(sending: Sending, judgement: Judgement) -> None:
    """The same for an attempt that has ended; to be called at that level only."""
    _log(sending, f"has ended: {judgement.outcome.value}", outcome=judgement.outcome.value)


def _log(sending: Sending, words: str, **about: str) -> None:
    claimed = sending.claimed
    about |= {"event": str(claimed.event), "loop": str(claimed.loop), "delivery": str(claimed.id)}
    logger.debug("Attempt %d of delivery %s %s", claimed.attempts + 1, claimed.id, words, extra=about)


def _state_after(judgement: Judgement, made: int) -> tuple[DeliveryState, float]:
    if judgement.outcome is Outcome.ACCEPTED:
        return DeliveryState.DELIVERED, 0.0
    jitter = random.uniform(-1, 1)
    pause = next_pause(made, jitter=jitter, schedule=settings.RETRY_SCHEDULE, retry_after=judgement.retry_after)
    if pause is None or judgement.outcome is Outcome.GONE:
        return DeliveryState.GIVEN_UP, 0.0
    return DeliveryState.PENDING, pause


def _done(sending: Sending, answer: Answer, judgement: Judgement, state: DeliveryState, pause: float) -> Done:
    claimed, number = sending.claimed, sending.claimed.attempts + 1
    return Done(
        id=sending.id,
        delivery=claimed.id,
        loop=claimed.loop,
        account=claimed.account,
        number=number,
        started=sending.started,
        outcome=judgement.outcome,
        state=state,
        pause=pause,
        message=judgement.message,
        status=answer.status,
        address=answer.address,
        timings=answer.timings,
        answer=answer.body,
        head=answer.head,
        version=sending.version,
    )
