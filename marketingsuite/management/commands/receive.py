"""The sample script of a customer; docs/receiving.md says what it checks and why."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from feedbackloops.protocol.signing import decode_secret
from marketingsuite.demo.printing import Printer
from marketingsuite.demo.receiver import VALID, Received, Receiver, Script


class Command(BaseCommand):
    help = "Run a customer's script on this machine: it takes each POST, checks and decodes it, and prints it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=9000, help="where to listen on 127.0.0.1; 0: any free port")
        parser.add_argument(
            "--secret",
            default=os.environ.get("RECEIVE_SECRET", ""),
            help="the loop's signing secret, whsec_…; by default what RECEIVE_SECRET holds. Without it, signatures are "
            "not checked",
        )
        parser.add_argument(
            "--file",
            type=Path,
            action="extend",
            nargs="+",
            default=[],
            metavar="PATH",
            help="a verification file to serve as /<name>.txt, or a folder of them",
        )
        parser.add_argument("--answer", type=_status, default=200, metavar="STATUS", help="the status to answer with")
        output = parser.add_mutually_exclusive_group()
        output.add_argument("--quiet", action="store_true", help="print only the counts, at the end")
        output.add_argument("--json", action="store_true", help="print each POST as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        tell = _teller(options["quiet"], options["json"])

        def count_and_tell(received: Received) -> None:
            counts.update(posts=1, valid=int(received.signature == VALID), duplicates=int(received.duplicate))
            tell(received)

        script = _script(options["secret"], options["answer"])
        with _receiver(options["port"], script, options["file"], count_and_tell) as receiver:
            self._notice(f"http://localhost:{receiver.server_port}/script.php takes POSTs; Ctrl-C ends it.")
            try:
                receiver.serve_forever(poll_interval=0.1)
            except KeyboardInterrupt:
                self._notice("")
            finally:
                self._notice("{posts} POSTs, {valid} signatures valid, {duplicates} duplicates".format_map(counts))

    def _notice(self, text: str) -> None:
        """Standard output belongs to the POSTs."""
        self.stderr.write(text, str)


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 200 <= int(text[:9]) <= 599):
        raise ArgumentTypeError("a status is a number from 200 to 599")
    return int(text)


def _script(secret: str, answer: int) -> Script:
    try:
        if secret:
            decode_secret(secret)
        return Script(secret, answer)
    except ValueError as error:
        raise CommandError(f"{error} The loop's page in the dashboard shows it.") from error


def _receiver(port: int, script: Script, files: list[Path], tell: Any) -> Receiver:
    if missing := next((path for path in files if not path.exists()), None):
        raise CommandError(f"There is no file or folder {missing}.")
    try:
        return Receiver(port, script, files or [settings.VAR_DIR / "receiver"], tell)
    except (OSError, OverflowError) as error:
        raise CommandError(f"Port {port} of 127.0.0.1 can't be had ({error}); choose another with --port.") from error


def _teller(quiet: bool, as_json: bool) -> Any:
    if quiet:
        return lambda received: None
    if as_json:
        return lambda received: print(received.to_json(), flush=True)
    return Printer(sys.stdout).post
