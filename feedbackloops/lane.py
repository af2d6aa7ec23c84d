"""One leased lane, as the engine that holds it sees it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Self
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from feedbackloops.calls import Script
from feedbackloops.lanes import NIL, START_OF_TIME, Claimed, LaneFacts, LaneNote, Lease, Place
from feedbackloops.protocol.outcome import TROUBLE, Judgement, Outcome
from feedbackloops.protocol.pacing import Pace

logger = logging.getLogger(__name__)

# How long a claim goes on from the last one, although something may have been owed late before that place.
RESTART_SECONDS = 5.0
EMPTY_RESTART_SECONDS = 1.0
NOTE_SUCCESS_SECONDS = 5.0


class Learnt(NamedTuple):
    """What an engine knows of a lane beyond what staff have set."""

    troubles: int
    resting_until: float
    failing: bool
    trouble: str
    stop_reason: str


@dataclass(slots=True, eq=False)
class Lane:
    """A lane between lease and release. All times are monotonic seconds unless they are datetimes."""

    lease: Lease
    pace: Pace
    # Read by the sender's thread: no call starts at or after this moment.
    fresh_until: float
    script: Script = field(init=False)
    # Of what staff have set, as far as it is known here.
    version: str = ""
    # Under way, or ended and not yet recorded: due in the table, but not to be claimed again.
    known: set[UUID] = field(default_factory=set)
    more: bool = True
    used: float = 0.0
    barred: bool = False
    after: str = START_OF_TIME
    after_id: UUID = NIL
    # How many of what is known the last claim came across; the next one has room for them.
    in_the_way: int = 0
    restarted: float = 0.0
    succeeded: bool = False
    succeeded_at: float = float("-inf")
    failing: bool = False
    trouble: str = ""
    stop_reason: str = ""
    # As it was last written, or read with the lease.
    noted: Learnt = field(init=False)
    success_noted: float = float("-inf")

    def __post_init__(self) -> None:
        self.failing = self.lease.failing
        self.noted = self._learnt()

    @classmethod
    def leased(cls, lease: Lease, fresh_until: float, now: float) -> Self:
        """A lane that was leased just now."""
        pace = Pace(1, settings.COOL_DOWN_SECONDS, settings.COOL_DOWN_MAX_SECONDS, lease.troubles)
        if lease.rests > 0:
            pace.resting_until = now + lease.rests
        return cls(lease, pace, fresh_until)

    @property
    def fence(self) -> tuple[int, int]:
        """The loop and the number of the lease, as lanes.renew() and lanes.release() take them."""
        return self.lease.loop, self.lease.number

    def may_start(self) -> bool:
        """Whether a call may leave at this very moment."""
        return monotonic() < self.fresh_until

    def adapt(self, facts: LaneFacts, now: float) -> bool:
        """Follow what staff have set meanwhile; False where that can't be done, which concerns this lane only."""
        try:
            self.script, self.version, self.barred = Script.from_facts(facts), facts.version, False
        except (ImproperlyConfigured, ValueError) as error:
            logger.error("Nothing can be sent to loop %d: %s", facts.loop, error, extra={"loop": facts.loop})
            return False
        if self.noted.stop_reason:
            # We wrote that it stopped, and the table no longer says so: staff have resumed it.
            self.stop_reason, self.noted = "", self.noted._replace(stop_reason="")
        if self.noted.failing and not facts.failing:
            # Staff have had it start afresh.
            self.failing = False
        self.noted = self.noted._replace(failing=facts.failing)
        self.pace.limit = facts.in_flight_limit
        self.pace.set_rate(facts.rate_limit, now)
        return True

    @property
    def is_unread(self) -> bool:
        """Whether what staff have set must be read before a claim: it never was, or what bars it may be gone."""
        return not self.version or self.barred or bool(self.noted.stop_reason)

    def bar(self) -> None:
        """Send no more: it is paused, not verified or stopped."""
        self.more, self.barred = False, True

    def restart(self) -> None:
        """Have the next claim look from the start of the queue."""
        self.more = True
        self._go_to_start()

    def look_again(self, now: float, seconds: float) -> None:
        """Have a lane with calls under way looked into, if nobody has looked for so long and more could be sent."""
        is_quiet = self.known and not (self.more or self.barred or self.stop_reason)
        if is_quiet and now - self.restarted >= seconds and self.pace.free(now):
            self.restart()

    def place(self, free: int) -> Place:
        """Where to claim for so many free places. What is known may lie in the way, so there is room for it."""
        return Place(self.lease.loop, free + self.in_the_way, self.after, self.after_id)

    def accept(self, claimed: Sequence[Claimed], free: int, now: float) -> list[Claimed]:
        """Take up to `free` of what a claim at place(free) found."""
        new = [each for each in claimed if each.id not in self.known]
        # Of what was known some may have been recorded before the claim: then it found more than there are free places.
        self.more = len(claimed) >= free + self.in_the_way or len(new) > free
        taken, self.in_the_way = new[:free], len(claimed) - len(new)
        if taken:
            self.after, self.after_id, self.used = taken[-1].next_attempt, taken[-1].id, now
        self.known.update(each.id for each in taken)
        if now - self.restarted >= (RESTART_SECONDS if self.more else EMPTY_RESTART_SECONDS):
            self._go_to_start()
            self.restarted = now
        self.pace.start(len(taken))
        return taken

    def finish(self, judgement: Judgement, *, started: float, now: float) -> None:
        """Learn from an attempt that was started at `started`."""
        self.pace.finish(judgement.outcome, started=started, now=now, retry_after=judgement.retry_after)
        if judgement.outcome is Outcome.ACCEPTED:
            self.succeeded, self.succeeded_at, self.failing, self.trouble = True, now, False, ""
            return
        # A script that takes some and fails some is not worth a write for each turn of its luck.
        self.failing = self.failing or now - self.succeeded_at >= NOTE_SUCCESS_SECONDS
        if judgement.outcome in TROUBLE or judgement.outcome is Outcome.THROTTLED:
            self.trouble = judgement.message
        elif judgement.outcome is Outcome.GONE:
            self.trouble, self.stop_reason, self.more = judgement.message, "gone", False

    def not_started(self, id: UUID) -> None:
        """Put back what the fence held: whoever holds the lane next will send it."""
        self.known.discard(id)
        self.pace.in_flight -= 1
        self.restart()

    def note(self, now: float) -> LaneNote | None:
        """What to write of this lane, if that has changed; a success counts as a change every five seconds."""
        success = self.succeeded and now - self.success_noted >= NOTE_SUCCESS_SECONDS
        if self._learnt() == self.noted and not success:
            return None
        rests = max(0.0, self.pace.resting_until - now)
        # Once only: written again, it would undo what staff have done since.
        stop_reason = "" if self.noted.stop_reason else self.stop_reason
        return LaneNote(*self.fence, self.pace.troubles, rests, success, self.failing, self.trouble, stop_reason)

    def was_noted(self, note: LaneNote, now: float) -> None:
        """Remember that this was written."""
        self.noted = self._learnt()
        if note.succeeded:
            self.succeeded, self.success_noted = False, now

    def _go_to_start(self) -> None:
        self.after, self.after_id, self.in_the_way = START_OF_TIME, NIL, len(self.known)

    def _learnt(self) -> Learnt:
        return Learnt(self.pace.troubles, self.pace.resting_until, self.failing, self.trouble, self.stop_reason)

    def free(self, now: float) -> int:
        """How many calls to claim for: none where nothing more is expected, or the fence is about to close."""
        return self.pace.free(now) if self.more and not self.stop_reason and now < self.fresh_until else 0

    def wakes_at(self, now: float) -> float | None:
        """When there is something to claim although no call ends meanwhile; None while that can't be."""
        if not self.more or self.stop_reason or now >= self.fresh_until:
            return None
        return now if self.pace.free(now) else self.pace.wakes_at(now)

    def is_idle(self, now: float) -> bool:
        """Whether the lane can be given back: nothing under way, and nothing to do or no leave to do it."""
        return not self.known and (not self.more or self.is_resting(now))

    def is_resting(self, now: float) -> bool:
        """Whether its script gets a rest."""
        return now < self.pace.resting_until
