"""Mail that comes back, by LMTP or SMTP from the mail server of the house."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracking.maildoor import serve


class Command(BaseCommand):
    help = "Listen for mail that comes back to ENVELOPE_DOMAIN, by LMTP or SMTP, until it is told to end (SIGTERM)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = "listen for it at host:port or unix:/path; repeat it for more"
        parser.add_argument("--lmtp", action="append", default=[], metavar="ADDRESS", help=where)
        parser.add_argument("--smtp", action="append", default=[], metavar="ADDRESS", help=where)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ENVELOPE_DOMAIN:
            raise CommandError("Set ENVELOPE_DOMAIN: only mail to addresses at that domain is taken.")
        addresses: dict[str, type[SMTP]] = dict.fromkeys(options["lmtp"], LMTP)
        addresses |= dict.fromkeys(options["smtp"], SMTP)
        if not addresses:
            raise CommandError("Say where to listen, such as --lmtp 127.0.0.1:8024.")
        try:
            asyncio.run(self._run(addresses))
        except (OSError, ValueError) as error:
            raise CommandError(f"The door can't be opened: {error}") from error

    async def _run(self, addresses: dict[str, type[SMTP]]) -> None:
        end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end.set)

        def ready() -> None:
            for address, kind in addresses.items():
                self.stdout.write(f"Listening for {kind.__name__} at {address}, for mail to {settings.ENVELOPE_DOMAIN}")
            self.stdout.flush()

        await serve(addresses, settings.ENVELOPE_DOMAIN, ready, end)
