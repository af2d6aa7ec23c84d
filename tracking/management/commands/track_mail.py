"""From the shell: an HTML mail goes in, its tracked twin comes out."""

import codecs
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from profiles.models import Account, Profile
from tracking.messages import TrackedMessage, register, tracked_html
from tracking.models import Source
from tracking.rewriting import count_links, find_links
from tracking.tokens import LAST_INDEX

STANDARD = "-"


class Command(BaseCommand):
    help = "Register an HTML mail to one recipient and write it with tracked links and the pixel."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the HTML mail; - reads standard input")
        parser.add_argument("--account", required=True, help="the account's name or number")
        parser.add_argument("--recipient", required=True, help="the address that this mail goes to")
        parser.add_argument("--profile", type=int, help="the number of the recipient's profile")
        parser.add_argument("--tag", action="append", default=[], help="a tag of the message; repeat it for more")
        parser.add_argument("--output", default=STANDARD, help="the file to write; by default standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        html = _read(options["file"])
        try:
            tracked = _register(options)
        except ValidationError as error:
            raise CommandError(_sentence(error)) from error
        except (Error, UnicodeEncodeError) as error:
            raise CommandError(f"The message can't be stored: {str(error).strip()}") from error
        _write(options["output"], tracked_html(html, tracked.message))
        self._summarise(html, tracked)

    def _summarise(self, html: str, tracked: TrackedMessage) -> None:
        links = min(len(find_links(html)), LAST_INDEX) if tracked.message.tracked else 0
        self.stderr.write(
            f"message  {tracked.message.pk}\n"
            f"pixel    {tracked.pixel_url}\n"
            f"links    {links} tracked, {count_links(html) - links} left alone",
            str,
        )
        if not tracked.message.tracked:
            self.stderr.write("The mail is as it was: its account does not have opens and clicks tracked.")


def _register(options: dict[str, Any]) -> TrackedMessage:
    account, profile = _account(options["account"]), options["profile"]
    return register(
        account,
        options["recipient"],
        profile=None if profile is None else _profile(profile),
        tags=options["tag"],
        source=Source.COMMAND,
    )


def _sentence(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(f"The {name}: {' '.join(messages)}" for name, messages in error.message_dict.items())


def _account(name_or_number: str) -> Account:
    """An account may be named like a number, so names go first."""
    account = Account.objects.filter(name=name_or_number).first()
    if account is None and name_or_number.isascii() and name_or_number.isdigit():
        account = Account.objects.filter(pk=int(name_or_number[:20])).first()
    if account is None:
        raise CommandError(f"There is no account {name_or_number!r}; give the name or the number of one.")
    return account


def _profile(number: int) -> Profile:
    profile = Profile.objects.filter(pk=number).first()
    if profile is None:
        raise CommandError(f"There is no profile {number}.")
    return profile


# Links and pixel are ASCII. As UTF-8 with surrogates for all else, every other byte goes out as it came in, whatever
# the mail's charset, and UTF-8 in a link's target is read as it is meant.
def _read(name: str) -> str:
    try:
        mail = sys.stdin.buffer.read() if name == STANDARD else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"The mail {name} can't be read: {error.strerror}.") from error
    if mail.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CommandError(f"The mail {name} is in UTF-16, which no mail can be sent in; save it as UTF-8.")
    return mail.decode("utf-8", "surrogateescape")


def _write(name: str, html: str) -> None:
    mail = html.encode("utf-8", "surrogateescape")
    try:
        if name == STANDARD:
            sys.stdout.buffer.write(mail)
            sys.stdout.buffer.flush()
        else:
            Path(name).write_bytes(mail)
    except OSError as error:
        raise CommandError(f"The tracked mail can't be written to {name}: {error.strerror}.") from error
