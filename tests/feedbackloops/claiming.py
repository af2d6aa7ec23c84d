"""Claims of one loop, and how a call of them ended."""

from uuid import uuid4

from django.utils.timezone import now

from feedbackloops import lanes
from feedbackloops.lanes import NIL, START_OF_TIME, Claimed, Done, Place
from feedbackloops.models import FeedbackLoop
from tracking.ids import derived_id

US, THEM = uuid4(), uuid4()


def claim(loop: FeedbackLoop, free: int = 100, place: Claimed | None = None) -> list[Claimed]:
    after, after_id = (place.next_attempt, place.id) if place else (START_OF_TIME, NIL)
    return lanes.claim([Place(loop.pk, free, after, after_id)])


def done(claimed: Claimed, state: str = "delivered", number: int | None = None, pause: float = 0.0) -> Done:
    number = number or claimed.attempts + 1
    return Done(
        id=derived_id(claimed.id, number, 1),
        delivery=claimed.id,
        loop=claimed.loop,
        account=claimed.account,
        number=number,
        started=now(),
        outcome="accepted" if state == "delivered" else "server error",
        state=state,
        pause=pause,
        message="The script accepted it (status 200).",
        status=200,
        address="192.0.2.1",
        timings=(0.001, 0.002, 0.003, 0.004, 0.01),
        answer=b"ok \xff",
    )
