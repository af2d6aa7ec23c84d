"""Writes docs/events.md, which a test holds against the code."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand

from feedbackloops.protocol.catalogue import catalogue

STANDARD: Final = "-"


class Command(BaseCommand):
    help = "Write the catalogue of events, docs/events.md, from the code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        page = settings.BASE_DIR / "docs" / "events.md"
        parser.add_argument("--output", default=str(page), help="the file to write; - is standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        page = catalogue()
        if options["output"] == STANDARD:
            self.stdout.write(page, ending="")
            return
        Path(options["output"]).write_text(page, encoding="utf-8")
        self.stdout.write(f"Written: {options['output']}")
