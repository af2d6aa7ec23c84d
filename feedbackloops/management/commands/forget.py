"""From the shell: forget a person."""

from argparse import ArgumentParser
from collections.abc import Mapping
from time import sleep
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from feedbackloops.forgetting import words
from feedbackloops.forgetting.counting import foresee
from feedbackloops.forgetting.people import Person, begin, counts_of, person_at, person_of, twins_of
from feedbackloops.forgetting.removing import Busy
from feedbackloops.forgetting.work import go_on, waits_for
from feedbackloops.models import Forgetting
from profiles.models import Account, Database, Profile

BUSY_SECONDS = 0.1
MOST_BUSY = 600


class Command(BaseCommand):
    help = "Remove a person from profiles, messages, events, payloads and answers, and search for what is left."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("who", metavar="PROFILE", help="the profile's number, or an e-mail address")
        parser.add_argument("--account", type=int, help="the number of the account that has the address")
        parser.add_argument("--database", type=int, help="the number of the database that has the address")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        person = _person(options["who"], options["account"], options["database"])
        self._tell(person, whole=options["dry_run"])
        if options["dry_run"]:
            return
        if not options["yes"]:
            _ask()
        order = begin(person)
        self._work(order)
        order.refresh_from_db()
        self.stdout.write("Removed or cleared:")
        self._list(order.removed)
        if order.left:
            found = "\n".join(
                f"  {words.place(name)}: {number:,} ({name})" for name, number in sorted(order.left.items())
            )
            raise CommandError(f"Something is left that names the person:\n{found}\n{words.ADVICE}", returncode=1)
        self.stdout.write("Searched every table and this host's spool: nothing left.")

    def _tell(self, person: Person, *, whole: bool) -> None:
        if whole:
            self.stdout.write("Would be removed or cleared:")
            self._list(_foreseen(person))
        else:
            self.stdout.write("Will be removed, with what else is found on the way:")
            self._list(counts_of(person))
        if twins := twins_of(person):
            listed = ", ".join(str(twin.pk) for twin in twins)
            self.stdout.write(
                f"Other profiles of the account have the address and stay: {listed}. To forget them as well, give the "
                "address with --account."
            )

    def _list(self, counts: Mapping[str, int]) -> None:
        for kind in sorted(counts, key=lambda kind: [*words.COUNTED, kind].index(kind)):
            self.stdout.write(f"{counts[kind]:>12,}  {words.counted(kind)}")
        if not any(counts.values()):
            self.stdout.write("           0  rows")

    def _work(self, order: Forgetting) -> None:
        busy = 0
        while order.finished is None:
            try:
                while go_on(order.pk):
                    busy = 0
            except Busy:
                busy += 1
                if busy > MOST_BUSY:
                    raise CommandError("The rows are being written all the time: run this again.") from None
                sleep(BUSY_SECONDS)
            except OSError as error:
                raise _unreadable(error) from error
            order.refresh_from_db()
            if seconds := waits_for(order, now()):
                self.stdout.write(f"Waiting {seconds:.0f} s for calls that were under way.")
                self.stdout.flush()
                sleep(seconds)


def _foreseen(person: Person) -> dict[str, int]:
    try:
        return foresee(person, settings.SPOOL_DIR)
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> CommandError:
    return CommandError(
        f"{error.filename}: {error.strerror}. Run this as the user of the web process, with its SPOOL_DIR."
    )


def _ask() -> None:
    try:
        answer = input("Forget this person for good? Type yes: ")
    except EOFError:
        raise CommandError(
            "Nothing was removed: nobody was there to answer. Give --yes to go without asking."
        ) from None
    if answer.strip() != "yes":
        raise CommandError("Nothing was removed.")


def _person(who: str, account: int | None, database: int | None) -> Person:
    if "@" in who:
        return person_at(who, _account(account, database), database)
    if not (who.isascii() and who.isdigit() and len(who) < 19):
        raise CommandError(f"{who!r} is neither the number of a profile nor an e-mail address.")
    if found := Profile.objects.filter(pk=int(who)).first():
        _compare(found, account, database)
        return person_of(found)
    if order := Forgetting.objects.filter(finished=None, profiles__contains=[int(who)]).first():
        return Person(order.account_id, order.profiles, order.addresses)
    if account is None and database is None:
        raise CommandError(
            f"There is no profile {who}. To look for what is left of one, say whose it was: --account NUMBER; better "
            "still, give the e-mail address with --account."
        )
    return Person(_account(account, database), [int(who)])


def _compare(profile: Profile, account: int | None, database: int | None) -> None:
    """A slip in a number must not remove somebody else's customer."""
    if account not in (None, profile.account_id):
        raise CommandError(f"Profile {profile.pk} belongs to account {profile.account_id}, not to {account}.")
    if database not in (None, profile.database_id):
        raise CommandError(f"Profile {profile.pk} is of database {profile.database_id}, not of {database}.")


def _account(account: int | None, database: int | None) -> int:
    if database is not None:
        found = Database.objects.filter(pk=database).values_list("account_id", flat=True).first()
        if found is None:
            raise CommandError(f"There is no database {database}.")
        if account not in (None, found):
            raise CommandError(f"Database {database} belongs to account {found}, not to {account}.")
        return found
    if account is None:
        raise CommandError("An address may be known to several accounts: say which with --account or --database.")
    if not Account.objects.filter(pk=account).exists():
        raise CommandError(f"There is no account {account}.")
    return account
