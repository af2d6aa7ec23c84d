"""Looks at everything that the service needs, and says in words what is wrong and what to do about it."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from marketingsuite.bounded import Bounded
from marketingsuite.doctor import broker, database, host, network
from marketingsuite.doctor.findings import Finding, Level, trouble
from marketingsuite.scrubbing import scrubber

PATIENCE_SECONDS = 30.0
SIGNS = {Level.OK: "ok      ", Level.WARNING: "WARNING ", Level.TROUBLE: "TROUBLE "}

Look = Callable[[], Iterator[Finding]]


class Command(BaseCommand):
    help = "Check settings, servers, clocks, names, disk and processes; exit code 1 where there is trouble."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="a URL outside to GET, through the door that all calls take")
        parser.add_argument("--json", action="store_true", help="print a list of objects instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        looks: dict[str, Look] = {
            "settings": host.look_at_settings,
            "database": database.look,
            "broker": broker.look,
            "network": partial(network.look, options["url"]),
            "spool": host.look_at_spool,
            "files": host.look_at_files,
            "processes": host.look_at_processes,
        }
        found: list[Finding] = []
        for subject, look in looks.items():
            part = findings_of(subject, look)
            found += part
            if not options["json"]:
                self.stdout.write("\n".join(map(line, part)))
        if options["json"]:
            self.stdout.write(json.dumps([each.as_json() for each in found], indent=2))
        if bad := sum(each.level is Level.TROUBLE for each in found):
            raise CommandError(f"{bad} of {len(found)} findings are trouble.")


def findings_of(subject: str, look: Look) -> list[Finding]:
    """What a look found; one that fails or hangs is a finding as well."""
    advice = "Mend that first; docs/operations.md says what is needed."

    def look_and_close() -> list[Finding]:
        try:
            return list(look())
        finally:
            connection.close()  # this thread's own

    try:
        return Bounded(f"doctor-{subject}", look_and_close, patience=PATIENCE_SECONDS, kept=0.0).wait()
    except TimeoutError:
        return [trouble(subject, f"There was no answer within {PATIENCE_SECONDS:.0f} s.", advice)]
    except Exception as error:
        words = scrubber(settings.SECRETS)(str(error)).strip() or type(error).__name__
        return [trouble(subject, words, advice)]


def line(finding: Finding) -> str:
    """A finding for a terminal."""
    words = f"{SIGNS[finding.level]}{finding.subject}: {finding.words}"
    return f"{words}\n          {finding.advice}" if finding.advice else words
