"""From the shell: what lies in this host's spool, and what to do about it."""

import os
import pwd
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from tracking.counting import tell_for_the_dead
from tracking.hits import Hit
from tracking.spool import REFUSED, Spool
from tracking.spoolfiles import State, content_of, hits_in, put_back, spool_files
from tracking.storing import store_hits

TIME = "%Y-%m-%d %H:%M:%S UTC"


class Command(BaseCommand):
    help = "Show the files of this host's spool (SPOOL_DIR); replay them, look into one, or have refused hits retried."
    # Looking must not wait for a database that is away.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", metavar="{replay,show,retry}")
        acts.add_parser("replay", help="store now what no living process holds")
        show = acts.add_parser("show", help="print the hits of a file, without what the recipient's program sent")
        show.add_argument("file", help="the name of a file in the spool folder")
        retry = acts.add_parser("retry", help="have hits that PostgreSQL refused replayed once more")
        retry.add_argument("file", help="the name of a .refused file in the spool folder")

    def handle(self, *args: Any, act: str | None, **options: Any) -> None:
        folder: Path = settings.SPOOL_DIR
        with _in_words(folder):
            if act == "replay":
                self._replay(folder)
            elif act == "show":
                self._show(_named(folder, options["file"]))
            elif act == "retry":
                self._retry(_named(folder, options["file"]))
            else:
                self._list(folder)

    def _list(self, folder: Path) -> None:
        files = spool_files(folder)
        for file in files:
            content = content_of(file.path)
            oldest = f"{content.oldest:{TIME}}" if content.oldest else "-"
            damaged = f", {content.unreadable} lines that hold none" if content.unreadable else ""
            what = f"{content.hits} hits{damaged}"
            self.stdout.write(
                f"{file.path.name}  {file.state.value:10}  {file.size:>11,} bytes  oldest {oldest}  {what}"
            )
        self.stdout.write(f"{len(files)} files in {folder}" if files else f"Nothing is spooled in {folder}.")

    def _replay(self, folder: Path) -> None:
        _insist_on_the_owner(folder)
        before = {file.path for file in spool_files(folder) if file.state in (State.REFUSED, State.UNREADABLE)}
        try:
            stored = Spool(folder).replay(store_hits)
            tell_for_the_dead(folder)
        except Error as error:
            raise CommandError(
                f"PostgreSQL does not take the hits, which stay in the spool: {str(error).strip()}"
            ) from error
        self.stdout.write(f"{stored} hits were stored.")
        for file in spool_files(folder):
            if file.path not in before:
                self.stdout.write(f"{file.path.name}: {_OUTCOMES[file.state]}")

    def _show(self, path: Path) -> None:
        for hit in hits_in(path):
            self.stdout.write(_described(hit))
        if damaged := content_of(path).unreadable:
            self.stdout.write(f"and {damaged} lines that hold no whole hit")

    def _retry(self, path: Path) -> None:
        if path.suffix != REFUSED:
            raise CommandError(f"{path.name} is not a {REFUSED} file: all else is replayed by itself, or never.")
        _insist_on_the_owner(path)
        waiting = put_back(path)
        self.stdout.write(
            f"{waiting.name} waits now: a web process of this host replays it within a second or two, "
            "or `manage.py spool replay` at once."
        )


_OUTCOMES = {
    State.HELD: "a living process holds it, and replays it itself",
    State.WAITING: "waits still: it can't be read, as the log says, or has come meanwhile",
    State.REFUSED: "PostgreSQL refused these hits; the log names the error",
    State.UNREADABLE: "lines that hold no whole hit were set aside",
}


def _described(hit: Hit) -> str:
    """Neither addresses of people nor what is secret in a link: a target's path may be a way to unsubscribe."""
    target = urlsplit(str(hit.data.get("original", ""))).hostname
    leads = f"  link {hit.data.get('link')} to {target}" if target else ""
    text = f"{hit.occurred_at:{TIME}}  {hit.type}  hit {hit.id}  message {hit.message}  account {hit.account}{leads}"
    return text if text.isprintable() else ascii(text)


def _named(folder: Path, name: str) -> Path:
    path = folder / Path(name).name
    if Path(name).parent != Path() and Path(name).parent.resolve() != folder.resolve():
        raise CommandError(f"{name} is not in the spool folder {folder}; give the name of a file there.")
    if path not in [file.path for file in spool_files(folder)]:
        raise CommandError(f"There is no {path.name} in {folder}; `manage.py spool` shows what there is.")
    return path


def _insist_on_the_owner(path: Path) -> None:
    """Files that root makes there could not be read by the web process any more."""
    if path.exists() and (owner := path.stat().st_uid) != os.geteuid():
        raise CommandError(f"{path} belongs to {_user(owner)}; run this as that user, not as {_user(os.geteuid())}.")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(
            f"{error.filename or folder}: {error.strerror or error}. Run this as the user of the web process, "
            "with its SPOOL_DIR."
        ) from error
