"""What was found, in words. Pure."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is.

    OK: as it should be.
    WARNING: it works, and may not for long, or not for all.
    TROUBLE: something does not work.
    """

    OK = "ok"
    WARNING = "warning"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one subject, and what to do about it, where there is anything to do."""

    subject: str
    level: Level
    words: str
    advice: str = ""

    def as_json(self) -> dict[str, str]:
        """As plain data."""
        return asdict(self)


def ok(subject: str, words: str) -> Finding:
    return Finding(subject, Level.OK, words)


def warning(subject: str, words: str, advice: str) -> Finding:
    return Finding(subject, Level.WARNING, words, advice)


def trouble(subject: str, words: str, advice: str) -> Finding:
    return Finding(subject, Level.TROUBLE, words, advice)


def clock(subject: str, ahead: float) -> Finding:
    """What to say of a clock that is so many seconds ahead of this machine's, or behind it where they are negative."""
    words = f"Its clock is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine's."
    advice = "Have both set by NTP (chrony or systemd-timesyncd): an event's id carries the time of who saw it."
    if abs(ahead) < 1:
        return ok(subject, f"Its clock and this machine's are {abs(ahead) * 1000:.0f} ms apart.")
    return warning(subject, words, advice) if abs(ahead) < 60 else trouble(subject, words, advice)


def space(subject: str, free: int, total: int) -> Finding:
    """What to say of the room on a disk, in bytes."""
    words = f"{free / 1e9:,.1f} GB of {total / 1e9:,.1f} GB are free."
    if free < 100_000_000:
        return trouble(subject, words, "Make room: with a full disk and without PostgreSQL, hits are lost.")
    if free < 1_000_000_000 or free < total / 20:
        return warning(subject, words, "Make room: while PostgreSQL is away, a hit takes about 0.5 kB here.")
    return ok(subject, words)


def connections(allowed: int, taken: int, needed: int) -> Finding:
    """What to say of PostgreSQL's connections: allowed to us, open now, and what the processes of a host may need."""
    words = f"{taken} of {allowed} connections are taken; the processes of one host may come to need {needed}."
    advice = "Raise max_connections, or see docs/scale.md for what each process needs and for pgbouncer."
    if taken > allowed * 0.9:
        return trouble("database connections", words, advice)
    return warning("database connections", words, advice) if needed > allowed else ok("database connections", words)
