"""From the shell: whether everything is accounted for, counted at this moment."""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from feedbackloops import ledger
from feedbackloops.models import FeedbackLoop
from feedbackloops.protocol.balance import Hits, Line, hits_problem, hits_remark, line_problem

DAYS = 7
COLUMNS = ("owed", "delivered", "pending", "given up", "cancelled")


class Command(BaseCommand):
    help = (
        "Count what was owed against what is there, and accepted hits against events. Exit code 1: it is not balanced."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=_number, default=DAYS, help=f"the last so many days (UTC); by default {DAYS}"
        )
        parser.add_argument("--all", action="store_true", help="all days that are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        days = ledger.days_kept()
        if not options["all"]:
            first = now().date() - timedelta(days=options["days"] - 1)
            days = [day for day in days if day >= first]
        problems = [problem for hits in ledger.hits_of(days[::-1]) for problem in self._count(hits)]
        self._tell_aside()
        if problems:
            raise CommandError("It does not balance:\n" + "\n".join(problems))
        self.stdout.write("It balances.")

    def _count(self, hits: Hits) -> list[str]:
        """Count a day's lines, keep all for the dashboard, show it; what is wrong with it."""
        lines, day = ledger.lines_of(hits.day), hits.day
        ledger.write(hits, lines)
        if lines or hits.accepted or hits.events or hits.lost:
            self._show(hits, lines)
        names = dict(FeedbackLoop.objects.values_list("pk", "name"))
        found = [
            f"{day}, loop {line.loop} (“{names.get(line.loop, 'deleted')}”): {line_problem(line.missing)}"
            for line in lines
            if line.missing
        ]
        return [*found, f"{day}: {hits_problem(hits.missing)}"] if hits.missing else found

    def _show(self, hits: Hits, lines: Sequence[Line]) -> None:
        spooled = f", {hits.spooled:,} spooled" if hits.spooled else ""
        self.stdout.write(f"{hits.day}  hits: {hits.accepted:,} accepted, {hits.events:,} events{spooled}")
        if hits.lost:
            self.stdout.write(f"            {hits_remark(hits.lost)}")
        if lines:
            self.stdout.write(f"{'loop':>12}" + "".join(f"{column:>12}" for column in COLUMNS))
        for line in lines:
            numbers = (line.owed, line.delivered, line.pending, line.given_up, line.cancelled)
            mark = "  !" if line.missing else ""
            self.stdout.write(f"{line.loop:>12}" + "".join(f"{number:>12,}" for number in numbers) + mark)

    def _tell_aside(self) -> None:
        aside = ledger.aside()
        if aside.waiting:
            self.stdout.write(f"Events that wait for their fan-out: {aside.waiting:,}")
        if aside.parked:
            self.stdout.write(f"Events that are parked: {aside.parked:,} (manage.py parked lists them)")


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 36_500:
        raise ValueError
    return number
