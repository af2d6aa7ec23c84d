"""From the shell, after a new key was put first: all that is encrypted is written anew with it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from feedbackloops.encryption import fernet
from marketingsuite.reencryption import Column, columns, reencrypt

NAMED = 10


class Command(BaseCommand):
    help = "Write all encrypted texts anew with the first of ENCRYPTION_KEYS. It can be stopped and run again."

    def handle(self, *args: Any, **options: Any) -> None:
        fernet()
        done = columns()
        for column in done:
            reencrypt(column)
            self.stdout.write(f"{column}: {column.written} written anew, {column.kept} left as they are")
        if lost := [column for column in done if column.unreadable]:
            raise CommandError(" ".join(map(_words, lost)))
        self.stdout.write("Everything is written with the first key. The others can be taken out of ENCRYPTION_KEYS.")


def _words(column: Column) -> str:
    rows = ", ".join(str(pk) for pk in column.unreadable[:NAMED])
    more = f" and {len(column.unreadable) - NAMED} more" if len(column.unreadable) > NAMED else ""
    return (
        f"{column} can't be read in the rows {rows}{more}: put the key that they were written with back into "
        "ENCRYPTION_KEYS, and run this again."
    )
