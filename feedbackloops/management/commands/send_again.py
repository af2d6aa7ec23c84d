"""From the shell: send again what a loop was owed since a moment."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from feedbackloops import resending
from feedbackloops.models import DeliveryState, FeedbackLoop, Resend
from feedbackloops.words import hold_of


class Command(BaseCommand):
    help = "Send a loop's deliveries again that were given up, with the ids of events that they had."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("loop", type=int, help="the loop's number, as in the address of its page")
        parser.add_argument(
            "--since", required=True, help="of events from then on: 2026-11-24, or 2026-11-24T12:30 (UTC)"
        )
        parser.add_argument("--until", help="of events before then; by default until now")
        parser.add_argument(
            "--state",
            action="append",
            choices=[state.value for state in resending.ENDED],
            help="what has become of them; repeat it for more. By default given_up",
        )
        parser.add_argument("--count", action="store_true", help="only say how many that are")

    def handle(self, *args: Any, **options: Any) -> None:
        loop = FeedbackLoop.objects.select_related("account", "lane").filter(pk=options["loop"]).first()
        if loop is None:
            raise CommandError(f"There is no loop {options['loop']}; its number stands in the address of its page.")
        since, until = _moment(options["since"]), min(_moment(options["until"] or f"{now()}"), now())
        if since >= until:
            raise CommandError("It ends before it begins: give a later --until, or an earlier --since.")
        states = options["state"] or [DeliveryState.GIVEN_UP.value]
        if options["count"]:
            number = resending.count(resending.chosen(loop, since, until, states))
            self.stdout.write(f"{_number(number)} would be sent again.")
            return
        self._send(loop, resending.begin(loop, since, until, states))

    def _send(self, loop: FeedbackLoop, resend: Resend) -> None:
        self.stdout.write(f"“{loop.name}” of {loop.account}: {_number(resend.expected)} to be sent again.")
        while resending.go_on(resend.pk):
            resend.refresh_from_db(fields=["count"])
            self.stdout.write(f"{resend.count:,} so far")
        resend.refresh_from_db(fields=["count", "finished"])
        if resend.finished is None:
            # A worker found it unfinished, and has it in hand at this moment.
            self.stdout.write(
                f"{resend.count:,} so far; a worker goes on with the rest, the loop's page shows how far."
            )
            return
        hold = hold_of(loop, now())
        words = f"They are sent once the loop sends again; now {hold}." if hold else "They are due now."
        self.stdout.write(f"{resend.count:,} made due again. {words}")


def _number(number: int | None) -> str:
    return f"more than {resending.MOST_COUNTED:,}" if number is None else f"{number:,}"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no moment; write it like 2026-11-24, or 2026-11-24T12:30 (UTC).") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment < datetime(1970, 1, 1, tzinfo=UTC):
        raise CommandError("Nothing is that old: give a day after 1970.")
    return moment
