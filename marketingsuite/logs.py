"""How log lines are written: as a line of text or a JSON object, without the secrets that an error's words may hold.

It does without Django, since granian's main process, which does not load it, writes its lines in the same form.
"""

import json
import logging
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from environ import Env

from marketingsuite.scrubbing import scrubber

LINE, JSON = FORMATS = ("line", "json")
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# What a line is about, given by `extra=`: these become members of the JSON object.
ABOUT: Final = ("event", "loop", "delivery", "attempt", "outcome")
LONGEST_MESSAGE: Final = 4_000
LONGEST_TRACE: Final = 20_000
# What libraries say below these levels is of no use to who follows an event; a line for each task would cost more than
# many a task does, and the lines of django.db.backends hold every statement with its parameters.
LEAST: Final = {
    **dict.fromkeys(("celery", "redis", "django", "django.server", "_granian", "granian.access"), "INFO"),
    **dict.fromkeys(("celery.app.trace", "celery.beat", "celery.worker.strategy"), "WARNING"),
    **dict.fromkeys(("kombu", "urllib3", "asyncio"), "WARNING"),
}


class Formatter(logging.Formatter):
    """Writes a record as `kind` says: LINE (time, level, logger, message) or JSON (an object a line)."""

    def __init__(self, kind: str = LINE, secrets: Iterable[str] = ()) -> None:
        """`secrets` are taken out wherever they stand."""
        super().__init__()
        self._write = _as_json if kind == JSON else _as_line
        self._scrub = scrubber(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, or the lines where a trace belongs to it."""
        trace = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
        message = self._clean(_message(record), LONGEST_MESSAGE)
        return self._write(record, message, self._clean(trace, LONGEST_TRACE))

    def _clean(self, text: str, longest: int) -> str:
        # More than will be shown, so that no half of a secret is left at the end.
        clean = self._scrub(text[: 2 * longest])
        return clean if len(clean) <= longest else f"{clean[:longest]} … ({len(text):,} characters)"


def as_format(text: str) -> str:
    """The LOG_FORMAT that was asked for. Raises ValueError."""
    if text not in FORMATS:
        raise ValueError(f"it is {text!r} and has to be one of: {', '.join(FORMATS)}.")
    return text


def as_level(text: str) -> str:
    """The LOG_LEVEL that was asked for, in any case. Raises ValueError."""
    if text.upper() not in LEVELS:
        raise ValueError(f"it is {text!r} and has to be one of: {', '.join(LEVELS)}.")
    return text.upper()


def from_environment() -> Formatter:
    """The formatter that LOG_FORMAT asks for, for processes that do without Django."""
    Env.read_env(Path(__file__).resolve().parents[1] / ".env")
    return Formatter(os.environ.get("LOG_FORMAT") or LINE)


def configuration(kind: str, level: str, secrets: Sequence[str]) -> dict[str, Any]:
    """Django's LOGGING: all loggers of all libraries write to standard error in one form, from this level on."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"own": {"()": Formatter, "kind": kind, "secrets": secrets}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "own"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {name: _passing_on(_higher(least, level)) for name, least in LEAST.items()},
    }


def _passing_on(level: str) -> dict[str, Any]:
    # Some libraries' loggers come with handlers of their own.
    return {"handlers": [], "propagate": True, "level": level}


def _higher(one: str, other: str) -> str:
    return max(one, other, key=LEVELS.index)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        # A library's mistake must not cost the line.
        return str(record.msg)


def _about(record: logging.LogRecord) -> dict[str, str | int]:
    found = {name: getattr(record, name, None) for name in ABOUT}
    return {name: value if isinstance(value, int) else str(value) for name, value in found.items() if value is not None}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_json(record: logging.LogRecord, message: str, trace: str) -> str:
    content: dict[str, Any] = {"time": _time(record), "level": record.levelname, "logger": record.name}
    content |= {"message": message, "process": record.process, "thread": record.threadName} | _about(record)
    return json.dumps(content | ({"trace": trace} if trace else {}), ensure_ascii=False, default=str)


def _as_line(record: logging.LogRecord, message: str, trace: str) -> str:
    about = " ".join(f"{name}={value}" for name, value in _about(record).items() if str(value) not in message)
    # A line break that a stranger sent must not begin a line that looks like ours.
    line = f"{_time(record)} {record.levelname} {record.name} {_indented(message)}{f' [{about}]' if about else ''}"
    return f"{line}\n{_indented(trace, '  ')}" if trace else line


def _indented(text: str, first: str = "") -> str:
    return first + "\n  ".join(text.splitlines())
