"""Mail that comes back, from a pipe of the mail server or from a maildir; exit codes are those of sysexits.h."""

import logging
import os
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import DataError, Error, IntegrityError, connection
from django.utils.timezone import now

from feedbackloops.calls import Contents
from feedbackloops.models import BodyFormat, FeedbackLoop, LoopStatus
from feedbackloops.previews import preview, request_to
from tracking.mailin import MOST_BYTES, Reading, read_mail, take_mail

logger = logging.getLogger(__name__)

STANDARD: Final = "-"
NO_INPUT: Final = 66
TRY_AGAIN: Final = 75
MOST_NAMED: Final = 10
# A mail server waits for longer, and a frozen PostgreSQL for as long as it likes.
PATIENCE_SECONDS: Final = 60.0


class Command(BaseCommand):
    help = (
        "Take a mail that came back from standard input, or all new ones of a maildir, and record what it tells. Ends "
        "with 75 (try again later) while the database is away."
    )
    # A mail server would return the mail to its sender when a check fails.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--maildir", metavar="DIR", help="take the new mails of this maildir, and mark them as seen"
        )
        parser.add_argument(
            "--envelope-to", action="append", default=[], metavar="ADDRESS",
            help="the address that the mail was delivered to; repeat it for more",
        )  # fmt: skip
        parser.add_argument(
            "--dry-run",
            metavar="FILE",
            help="show what this mail says and what would be sent of it; - is standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        envelope_to = options["envelope_to"]
        if options["dry_run"]:
            self._show(_read(options["dry_run"]), envelope_to)
        elif options["maildir"]:
            _trying(lambda: self._take_all(Path(options["maildir"]), envelope_to))
        else:
            raw = _read(STANDARD)
            _trying(lambda: self._say(take_mail(raw, envelope_to)))

    def _take_all(self, folder: Path, envelope_to: Sequence[str]) -> None:
        """The new mails one by one; each is marked once it is taken, so that none is lost on the way."""
        if not (folder / "new").is_dir():
            raise CommandError(f"{folder} is no maildir: it has no folder new.", returncode=NO_INPUT)
        left = [path for path in sorted((folder / "new").iterdir()) if not self._take_one(path, envelope_to)]
        if left:
            names = ", ".join(path.name for path in left[:MOST_NAMED])
            raise CommandError(f"In {folder}/new could not be taken ({len(left)}): {names}", returncode=NO_INPUT)

    def _take_one(self, path: Path, envelope_to: Sequence[str]) -> bool:
        """Whether it could be taken: one that can't holds up no other. It is moved, never written anew.

        Raises django.db.Error while the database takes no mail at all.
        """
        try:
            with path.open("rb") as file:
                raw = file.read(MOST_BYTES)
        except FileNotFoundError:
            # Another run has taken it.
            return True
        except OSError:
            return False
        try:
            self._say(take_mail(raw, envelope_to))
        except (DataError, IntegrityError) as error:
            # The error's own words may hold what the mail says.
            kind = type(error.__cause__ or error).__name__
            logger.error("The database refuses the mail %s: %s", path.name, kind)
            return False
        except Error:
            raise
        except Exception:
            logger.exception("The mail %s could not be taken", path.name)
            return False
        with suppress(FileNotFoundError):
            path.rename(path.parent.parent / "cur" / f"{path.name.partition(':')[0]}:2,S")
        return True

    def _say(self, reading: Reading) -> None:
        if reading.reports:
            for report in reading.reports:
                self.stdout.write(f"{report.type} of message {report.message}")
        else:
            self.stdout.write(f"kept among the unread mails: {reading.problem}")

    def _show(self, raw: bytes, envelope_to: Sequence[str]) -> None:
        try:
            reading = read_mail(raw, envelope_to)
            self._show_understood(reading)
            self._show_posts(reading)
        except Error as error:
            raise CommandError(f"The database can't be asked: {str(error).strip()}", returncode=TRY_AGAIN) from error

    def _show_understood(self, reading: Reading) -> None:
        said = reading.understood
        self.stdout.write(f"The mail is: {said.kind}\n  from       {said.sender or '?'}\n  subject    {said.subject}")
        for each in said.outcomes:
            reply = " ".join(str(part) for part in (each.reply.code, each.reply.extended, each.reply.words) if part)
            self.stdout.write(f"  {each.action:<10} {each.original or each.recipient}: {reply}")
        for message in reading.messages:
            how = "a signed address or link" if reading.named else "its Message-ID, our id or its recipient"
            self.stdout.write(
                f"It is about message {message.pk} to {message.recipient} of {message.account}, by {how}."
            )
        if reading.problem:
            self.stdout.write(f"No event comes of it. {reading.problem} It would be kept among the unread mails.")

    def _show_posts(self, reading: Reading) -> None:
        messages = {message.pk: message for message in reading.messages}
        for report in reading.reports:
            shown = preview(report, messages[report.message])
            self.stdout.write(f"\n{report.type} of {report.occurred_at:%Y-%m-%d %H:%M:%S} UTC")
            for loop in shown.loops:
                self._show_request(loop, shown.contents)
            if not shown.loops:
                self.stdout.write("goes to no loop: none asks for it. One that did would get as a form, or as JSON:")
                for written in BodyFormat.values:
                    self.stdout.write(f"\n{shown.contents.body(written)[1].decode()}")

    def _show_request(self, loop: FeedbackLoop, contents: Contents) -> None:
        held = ", once it is resumed" if loop.status == LoopStatus.PAUSED else ""
        head, body = request_to(loop, contents, now())
        self.stdout.write(f"goes to {loop.name} ({loop.url}){held}. Signed as of now, the first attempt is:")
        self.stdout.write(f"\n{head}\n\n{body}\n")


def _read(name: str) -> bytes:
    try:
        if name == STANDARD:
            return sys.stdin.buffer.read(MOST_BYTES)
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise CommandError(f"The mail {name} can't be read: {error.strerror}.", returncode=NO_INPUT) from error


def _trying(work: Callable[[], None]) -> None:
    """Do it within our patience, else end so that the mail server tries again: whatever went wrong, the mail is not
    lost. Raises CommandError."""
    trouble: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            trouble.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    if thread.is_alive():
        sys.stderr.write("PostgreSQL does not answer; the mail has to come again.\n")
        sys.stdout.flush()
        os._exit(TRY_AGAIN)
    if trouble:
        raise _refusal(trouble[0])


def _refusal(error: Exception) -> CommandError:
    if isinstance(error, CommandError):
        return error
    if isinstance(error, Error):
        return CommandError(f"The database is away, so try again later: {str(error).strip()}", returncode=TRY_AGAIN)
    logger.error("A mail that came back could not be taken", exc_info=error)
    return CommandError(f"The mail could not be taken ({type(error).__name__}), so try again.", returncode=TRY_AGAIN)
