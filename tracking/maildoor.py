"""A door for mail that comes back, by LMTP (RFC 2033) or SMTP (RFC 5321): it answers for what it has kept, no sooner.

It is for the mail server of the house, on the same machine or network: it knows no TLS and no login.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import Error, connection

from tracking.mailin import MOST_BYTES, take_mail

logger = logging.getLogger(__name__)
# It tells of each command of each client.
logging.getLogger("mail.log").setLevel(logging.WARNING)

# Each may hold a mail of the longest kind in memory.
MOST_CONNECTIONS: Final = 20
MOST_RECIPIENTS: Final = 100
THREADS: Final = 4
IDLE_SECONDS: Final = 60.0
# A mail server waits for longer (RFC 5321, 4.5.3.2.6), and a frozen PostgreSQL for as long as it likes.
PATIENCE_SECONDS: Final = 60.0
# Mails that come back have lines longer than they may be (RFC 5321, 4.5.3.1.6).
LONGEST_LINE: Final = 1024 * 1024

TAKEN: Final = "250 2.0.0 Kept"
NOT_OURS: Final = "550 5.1.2 Only mail that comes back is taken here"
TOO_MANY: Final = "452 4.5.3 Too many recipients, send the mail again to the rest"
FULL: Final = b"421 4.3.2 Too many connections, try again later\r\n"
AGAIN: Final = "451 4.3.0 The mail can't be kept just now, try again later"


class Handler:
    """Answers for what it has kept, and for nothing else."""

    def __init__(self, domain: str, *, each: bool) -> None:
        """`each`: with an answer for each recipient, as LMTP has it."""
        self.domain, self._each = domain.lower(), each
        self._threads = ThreadPoolExecutor(THREADS, "maildoor")
        self.under_way: set[asyncio.Future[str]] = set()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take recipients at our envelope domain only."""
        if address.rpartition("@")[2].lower() != self.domain:
            return NOT_OURS
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail, and only then say so."""
        raw, recipients = bytes(envelope.original_content or b""), list(envelope.rcpt_tos)
        work = asyncio.get_running_loop().run_in_executor(self._threads, _keep, raw, recipients)
        self.under_way.add(work)
        try:
            answer = await asyncio.wait_for(work, PATIENCE_SECONDS)
        except TimeoutError:
            logger.warning("PostgreSQL does not answer; a mail that came back has to come again.")
            answer = AGAIN
        finally:
            self.under_way.discard(work)
        return "\r\n".join([answer] * len(recipients)) if self._each else answer

    def close(self) -> None:
        """Let its threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def handle_exception(self, error: Exception) -> str:
        """What a client is told of a fault of ours, or of a command that nobody thought of."""
        logger.error("The mail door failed.", exc_info=error)
        return AGAIN


def _keep(raw: bytes, recipients: list[str]) -> str:
    try:
        take_mail(raw, recipients)
    except Error as error:
        logger.warning("A mail that came back waits for PostgreSQL: %s", str(error).strip())
        return AGAIN
    except Exception:
        logger.exception("A mail that came back can't be kept.")
        return AGAIN
    finally:
        # One for each mail: what is kept until the next one may be broken by then.
        connection.close()
    return TAKEN


class Door:
    """Makes a protocol for each connection, as long as there are not too many."""

    def __init__(self, kind: type[SMTP], domain: str) -> None:
        self.handler = Handler(domain, each=issubclass(kind, LMTP))
        self._kind, self._open = _limited(kind, self), 0

    def __call__(self) -> SMTP:
        """The protocol of a new connection."""
        return self._kind(
            self.handler,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname=self.handler.domain,
            ident="Marketing Suite",
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )

    def enter(self) -> bool:
        """Count a connection; whether there is room for it."""
        self._open += 1
        return self._open <= MOST_CONNECTIONS

    def leave(self) -> None:
        """Count one that has ended."""
        self._open -= 1


def _limited(kind: type[SMTP], door: Door) -> type[SMTP]:
    class Limited(kind):  # type: ignore[misc, valid-type]  # whichever of the two protocols it is
        line_length_limit = LONGEST_LINE

        def connection_made(self, transport: Any) -> None:
            self.turned_away = not door.enter()
            if self.turned_away:
                transport.write(FULL)
                transport.close()
                return
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            door.leave()
            if not self.turned_away:
                super().connection_lost(error)

        def data_received(self, data: bytes) -> None:
            if not self.turned_away:
                super().data_received(data)

        def eof_received(self) -> bool | None:
            return None if self.turned_away else super().eof_received()

    return Limited


async def serve(addresses: dict[str, type[SMTP]], domain: str, ready: Callable[[], Any], end: asyncio.Event) -> None:
    """Listen at these addresses (`host:port` or `unix:/path`) until `end` is set, and finish what is under way.

    Raises OSError for an address that can't be listened at, and ValueError for one that is none.
    """
    doors = {address: Door(kind, domain) for address, kind in addresses.items()}
    servers = [await _listening(address, door) for address, door in doors.items()]
    ready()
    await end.wait()
    for server in servers:
        server.close()
    left = {work for door in doors.values() for work in door.handler.under_way}
    if left:
        await asyncio.wait(left, timeout=PATIENCE_SECONDS)
        # What was kept has to be answered for, or it comes again.
        await asyncio.sleep(0.1)
    for door in doors.values():
        door.handler.close()


async def _listening(address: str, door: Door) -> asyncio.AbstractServer:
    loop = asyncio.get_running_loop()
    if address.startswith("unix:"):
        return await loop.create_unix_server(door, address.removeprefix("unix:"))
    host, _separator, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise ValueError(f"{address!r} is no address to listen at: give host:port, or unix:/path.")
    return await loop.create_server(door, host.strip("[]"), int(port))
