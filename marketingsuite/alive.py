"""Whether processes of this host live, for an orchestrator: `python -m marketingsuite.alive worker`.

Reads files, and starts neither Django nor Celery: it is called every few seconds.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from environ import Env

from marketingsuite.vitals.files import Sign, folder, of_kind, signs

BASE_DIR = Path(__file__).resolve().parents[1]
WITHIN_SECONDS = 30.0


def verdict(name: str, found: Sequence[Sign], within: float) -> tuple[bool, str]:
    """Whether the processes of a name live, all of them, and what to say of it; `within` in seconds."""
    if not found:
        return False, f"{name}: no such process has written into this data folder. Is it started, and done starting?"
    oldest = max(found, key=lambda sign: sign.age)
    if oldest.age == float("inf"):
        return False, f"{oldest.name}: not seen since this machine started."
    alive = oldest.age <= within
    return alive, f"{oldest.name}: {'alive' if alive else 'not alive'}, last seen {oldest.age:.0f} s ago."


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each name; 0 where all are alive, else 1."""
    parser = ArgumentParser(prog="python -m marketingsuite.alive", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="web, events, worker, looks or beat")
    parser.add_argument(
        "--within", type=float, default=WITHIN_SECONDS, metavar="SECONDS", help="how old a sign of life may be"
    )
    options = parser.parse_args(arguments)
    found = signs(folder(data_folder()))
    verdicts = [verdict(name, of_kind(found, name), options.within) for name in options.names]
    sys.stdout.writelines(f"{words}\n" for _, words in verdicts)
    return 0 if all(alive for alive, _ in verdicts) else 1


def data_folder() -> Path:
    """The data folder, as settings.py has it."""
    Env.read_env(BASE_DIR / ".env")
    return Path(os.environ.get("MARKETINGSUITE_VAR") or BASE_DIR / "var")


if __name__ == "__main__":
    sys.exit(main())
