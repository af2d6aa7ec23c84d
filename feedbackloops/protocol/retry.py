"""When to try again. All times are in seconds."""

import re

DAY = 86_400.0
JITTER = 0.15
# 12 pauses between 13 attempts: a little over three days in all.
SCHEDULE: tuple[float, ...] = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 86400)

_LONGEST_PAUSE = 30 * DAY
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY}
_PAUSE = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(?P<unit>[smhd]?)", re.ASCII)

_FIRST_LOOK, _LONGEST_LOOK = 5.0, 900.0


def next_pause(
    attempts_made: int,
    *,
    jitter: float,
    schedule: tuple[float, ...] = SCHEDULE,
    retry_after: float | None = None,
) -> float | None:
    """Return the pause after this many attempts, or None to give up.

    `jitter`, from -1 to 1, moves it by up to 15 %. It is never shorter than `retry_after`, which counts up to a day.
    Raises ValueError for a count below 1 or a jitter out of range.
    """
    if attempts_made < 1 or not -1 <= jitter <= 1:
        raise ValueError("next_pause() needs at least one attempt made, and a jitter from -1 to 1.")
    if attempts_made > len(schedule):
        return None
    return max(schedule[attempts_made - 1] * (1 + JITTER * jitter), min(retry_after or 0.0, DAY))


def parse_schedule(text: str) -> tuple[float, ...]:
    """Read the pauses between attempts from a setting such as `5,30,2m,1h,1d`. Raises ValueError."""
    if not text.strip():
        raise ValueError("The retry schedule is empty; give the pauses between attempts, for example 5,30,2m,1h.")
    return tuple(_parse_pause(part.strip().lower()) for part in text.split(","))


def _parse_pause(part: str) -> float:
    match = _PAUSE.fullmatch(part)
    seconds = float(match["number"]) * _UNITS[match["unit"]] if match else 0.0
    if not 0 < seconds <= _LONGEST_PAUSE:
        raise ValueError(
            f"The retry schedule has {part[:40]!r}, which is not a pause: give a number above 0,"
            " in seconds or with s, m, h or d behind it, of 30 days at most."
        )
    return seconds


def cool_down(step: int, *, first: float = 10.0, longest: float = 300.0) -> float:
    """Return how long a lane rests: `first` at step 0, then twice as long each step, up to `longest`."""
    # 2 ** 40 is past any `longest`; a bound keeps the float from overflowing.
    return min(first * 2.0 ** min(max(step, 0), 40), longest)


def look_pause(age: float) -> float | None:
    """Return the pause until the next look for a verification file that was asked for `age` seconds ago.

    It grows from 5 seconds to a quarter of an hour; after a day it is None: nobody looks by itself any more.
    """
    if age >= DAY:
        return None
    return min(max(age / 4, _FIRST_LOOK), _LONGEST_LOOK)
