"""From the shell: lets somebody in again who has lost the phone and the recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from staff.secondfactor import remove


class Command(BaseCommand):
    help = "Switch off the second factor of a member of staff. Make sure first that it is really they who ask."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="the name that they log in with")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is nobody who logs in as {options['username']!r}.")
        if not remove(user):
            raise CommandError(f"{user.username} has no second factor: the password alone lets them in.")
        LogEntry.objects.log_actions(user.pk, [user], CHANGE, "The second factor was reset from the shell.")
        self.stdout.write(f"{user.username} logs in with the password alone, until they set up a second factor again.")
