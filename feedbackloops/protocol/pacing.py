"""How much of a lane may be sent now: in-flight limit, rate limit, cool-down. All times are monotonic seconds."""

from dataclasses import dataclass

from .outcome import TROUBLE, Outcome
from .retry import cool_down

TROUBLES_TO_REST = 5
# What one engine was measured to send, in calls a second: no lane goes faster.
ENGINE_RATE = 5000.0


def drain_rate(rate_limit: int | None, in_flight_limit: int, seconds_a_call: float | None) -> float | None:
    """How many calls a second a lane that always has something due can make; None where nobody knows yet.

    `seconds_a_call`: how long the script takes to answer, None where it never has. By Little's law, calls under way are
    calls a second times seconds a call.
    """
    if seconds_a_call is None:
        return None if rate_limit is None else min(float(rate_limit), ENGINE_RATE)
    script = in_flight_limit / max(seconds_a_call, 1e-6)
    return min(script, ENGINE_RATE, ENGINE_RATE if rate_limit is None else float(rate_limit))


@dataclass(slots=True)
class Bucket:
    """A token bucket (rate a second) that never holds more than a tenth of a second's worth, one at the least."""

    rate: float
    filled: float
    tokens: float = 1.0

    def available(self, now: float) -> int:
        """How many calls may start now."""
        most = max(1.0, self.rate / 10)
        self.tokens = min(most, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        return int(self.tokens)

    def take(self, count: int) -> None:
        """Note that `count` calls start."""
        self.tokens -= count

    def next_at(self) -> float:
        """When the next call may start."""
        return self.filled + max(0.0, 1 - self.tokens) / self.rate


@dataclass(slots=True)
class Pace:
    """The state of one lane. `troubles` counts SERVER_ERROR, TIMED_OUT and UNREACHABLE in a row."""

    limit: int
    first_rest: float = 10.0
    longest_rest: float = 300.0
    troubles: int = 0
    resting_until: float = 0.0
    rested_at: float = 0.0
    in_flight: int = 0
    bucket: Bucket | None = None

    def set_rate(self, rate: int | None, now: float) -> None:
        """Let no more than `rate` calls a second start; None: as many as there are."""
        if rate is None:
            self.bucket = None
        elif self.bucket is None or self.bucket.rate != rate:
            self.bucket = Bucket(float(rate), now)

    def free(self, now: float) -> int:
        """How many calls may start now: after a rest for troubles one at a time, until one has none."""
        if now < self.resting_until:
            return 0
        limit = 1 if self.troubles >= TROUBLES_TO_REST else self.limit
        free = max(0, limit - self.in_flight)
        return min(free, self.bucket.available(now)) if self.bucket and free else free

    def start(self, count: int) -> None:
        """Note that `count` calls start."""
        self.in_flight += count
        if self.bucket:
            self.bucket.take(count)

    def finish(self, outcome: Outcome, *, started: float, now: float, retry_after: float | None = None) -> None:
        """Note how a call ended that was started at `started`."""
        self.in_flight -= 1
        if outcome is Outcome.THROTTLED:
            self._rest(now, min(self.first_rest if retry_after is None else retry_after, self.longest_rest))
        elif outcome not in TROUBLE:
            self.troubles = 0
        elif started >= self.rested_at:
            # What was under way when the lane went to rest says nothing new about the script.
            self._count_trouble(now)

    def wakes_at(self, now: float) -> float | None:
        """When more may start although nothing ends meanwhile; None while that depends on calls under way."""
        if now < self.resting_until:
            return self.resting_until
        return self.bucket.next_at() if self.bucket and self.in_flight < self.limit else None

    def _count_trouble(self, now: float) -> None:
        self.troubles += 1
        if self.troubles >= TROUBLES_TO_REST:
            step = self.troubles - TROUBLES_TO_REST
            self._rest(now, cool_down(step, first=self.first_rest, longest=self.longest_rest))

    def _rest(self, now: float, seconds: float) -> None:
        self.resting_until = max(self.resting_until, now + seconds)
        self.rested_at = now
