"""Commands of manage.py without a server: those that need none, and those that need one that is away. Pure."""

from collections.abc import Sequence
from typing import Final

from marketingsuite.scrubbing import scrubber

_FREE: Final = frozenset({"help", "version", "event_catalogue", "receive"})
_HELP: Final = frozenset({"-h", "--help", "--version"})


def does_without_servers(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for nothing of the servers: whoever looks into the spool may have lost them."""
    name, *rest = arguments or ["help"]
    if name in _FREE or _HELP.intersection(arguments):
        return True
    return name == "spool" and "replay" not in rest


def in_a_line(error: Exception) -> str:
    """What to tell whoever called a command that PostgreSQL does not serve, without a secret."""
    told = scrubber()(str(error)).strip().splitlines() or [type(error).__name__]
    return f"PostgreSQL does not serve this: {told[0].strip()}. `manage.py doctor` says what else is wrong."
