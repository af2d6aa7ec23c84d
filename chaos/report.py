"""What a run came to, as a table for people and as a file."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.verdicts import Account

FILE = Path(__file__).with_name("results.json")
HEAD = (
    "fault",
    "times",
    "events",
    "unanswered",
    "lost",
    "duplicates",
    "longest delay",
    "slowest answer",
    "caught up after",
    "",
)
ALL = "all"


def rows(accounts: Sequence[Account], left_out: dict[str, str]) -> list[dict[str, Any]]:
    """A row for each fault, in the order of their first strikes; one that came with another counts for both.

    Times are in seconds, answers in ms. The last row counts each event once.
    """
    names = dict.fromkeys(name for account in accounts for name in account.window.names)
    told = [_row(name, [each for each in accounts if name in each.window.names]) for name in names]
    skipped = [{"fault": name, "verdict": f"left out: {reason}"} for name, reason in left_out.items()]
    return [*told, *skipped, _row(ALL, accounts)]


def _row(name: str, accounts: Sequence[Account]) -> dict[str, Any]:
    backs = [each.window.back for each in accounts if each.window.back is not None]
    return {
        "fault": name,
        "times": len(accounts),
        "events": sum(each.events for each in accounts),
        "lost": sum(len(each.lost) for each in accounts),
        "excused": sum(len(each.excused) for each in accounts),
        "unanswered": sum(each.unanswered for each in accounts),
        "duplicates": sum(each.duplicates for each in accounts),
        "delay": round(max((each.delay for each in accounts), default=0.0), 2),
        "answer_ms": round(1000 * max((each.slowest for each in accounts), default=0.0), 1),
        "reference_ms": round(1000 * max((each.reference for each in accounts), default=0.0), 1),
        "caught_up": round(max(backs), 2) if backs else None,
        "verdict": "broken" if any(each.problems() for each in accounts) else "kept",
    }


def table(told: Sequence[dict[str, Any]]) -> str:
    """The rows as lines of a Markdown table."""
    cells = [HEAD, *map(_cells, told)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [cells[0], tuple("-" * width for width in widths), *cells[1:]]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "times" not in row:
        return (row["fault"], *[""] * (len(HEAD) - 2), row["verdict"])
    lost = f"{row['lost']:,}" + (f" (and {row['excused']:,} told)" if row["excused"] else "")
    caught_up = "" if row["caught_up"] is None else f"{row['caught_up']:.1f} s"
    return (
        row["fault"],
        f"{row['times']}",
        f"{row['events']:,}",
        f"{row['unanswered']:,}",
        lost,
        f"{row['duplicates']:,}",
        f"{row['delay']:.1f} s",
        f"{row['answer_ms']:.0f} ms",
        caught_up,
        row["verdict"],
    )


def closing(struck: int, faults: int, problems: int) -> str:
    """What a run comes to in the end, and how much that proves: so many of so many faults have struck."""
    left_out = f"; {faults - struck} were left out, see above" if struck < faults else ""
    if problems:
        return f"something is broken, see above ({struck} of {faults} faults struck{left_out})"
    if not struck:
        return f"NOTHING WAS PUT TO THE TEST: none of {faults} faults struck, see above"
    kept = f"every promise was kept under {struck} of {faults} faults{left_out}"
    few = ". THIS PROVES LITTLE: less than half of them struck; run it again where less else runs"
    return kept + (few if 2 * struck < faults else "")


def write(told: Sequence[dict[str, Any]], problems: Sequence[str], about: dict[str, Any], file: Path = FILE) -> None:
    """Write the rows, what was broken, and what the run was like."""
    when = datetime.now(UTC).isoformat(" ", "seconds")
    file.write_text(json.dumps({"date": when, **about, "problems": problems, "faults": told}, indent=2) + "\n")
