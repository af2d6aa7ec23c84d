"""From the shell: the events that fan-out could not handle, and another try."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from feedbackloops.fanout import unpark
from feedbackloops.models import ParkedEvent

RETRIED_AT_ONCE = 1000


class Command(BaseCommand):
    help = "List the parked events with their errors; with --retry, have them fanned out again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", nargs="*", type=UUID, help="the ids of some; by default all")
        parser.add_argument("--retry", action="store_true", help="try them again: the sweep takes them within seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options["event"] or list(ParkedEvent.objects.order_by("pk").values_list("pk", flat=True))
        found = ParkedEvent.objects.filter(pk__in=chosen).order_by("pk")
        missing = set(chosen) - set(found.values_list("pk", flat=True))
        if missing:
            raise CommandError(f"Not parked: {', '.join(map(str, sorted(missing)))}.")
        if options["retry"]:
            parts = [chosen[start : start + RETRIED_AT_ONCE] for start in range(0, len(chosen), RETRIED_AT_ONCE)]
            count = sum(unpark(part) for part in parts)
            self.stdout.write(f"Being tried again: {count:,}. Those that fail again come back to this list.")
            return
        for parked in found.iterator():
            self.stdout.write(f"{parked.pk}  {parked.parked:%Y-%m-%d %H:%M:%S} UTC  {parked.error}")
        if not chosen:
            self.stdout.write("Nothing is parked.")
