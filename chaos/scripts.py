"""The customers' scripts: servers that note every POST, and behave well until a fault has them behave otherwise."""

import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from chaos.ledgers import Receipt
from tests.dns_server import DnsServer
from tests.http_server import Behaviour, Exchange, HttpServer, ok, raw

NAME = "shop.chaos.example"
ACCEPTING = ok()
# A handshake for each call: a certificate that has become bad is not hidden by a connection that was made before.
ACCEPTING_ONCE = raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
MARK = re.compile(rb"chaos(?:%2F|/)(\d{9})")
CA_FILE = "authority.pem"


@dataclass(frozen=True, slots=True)
class Noted:
    """A POST before it is known which loop the path belongs to."""

    path: str
    hit: int
    event: str
    at: float
    accepted: bool


@dataclass(slots=True)
class Script:
    """What stands at one path. `usual` accepts; what stands there meanwhile does not."""

    inbox: list[Noted]
    usual: Behaviour
    unusual: Behaviour | None = None

    def answer(self, exchange: Exchange) -> bool:
        """Behave, and note the POST: as accepted once its good answer was handed to the system. Raises OSError."""
        at, behaviour = time.monotonic(), self.unusual
        accepted = False
        try:
            stays = (behaviour or self.usual)(exchange)
            accepted = behaviour is None
        finally:
            self._note(exchange, at, accepted)
        return stays

    def _note(self, exchange: Exchange, at: float, accepted: bool) -> None:
        request = exchange.request
        mark = MARK.search(request.body)
        (event,) = request.values("webhook-id")
        self.inbox.append(Noted(urlsplit(request.path).path, int(mark[1]) if mark else -1, event, at, accepted))


@dataclass(slots=True)
class Scripts:
    """All scripts. `steady`: URLs of those that no fault concerns; `plain`, `named` and `secure` are struck."""

    dns: DnsServer
    ca_file: Path
    steady: list[str]
    plain: str
    named: str
    secure: str
    certificates: "Certificates"
    _scripts: dict[str, Script]
    inbox: list[Noted] = field(default_factory=list)

    def behave(self, url: str, behaviour: Behaviour | None) -> None:
        """Have the script at this URL behave like this from now on; None: well again."""
        self._scripts[urlsplit(url).path].unusual = behaviour

    def receipts(self, loops: dict[str, int]) -> list[Receipt]:
        """Every POST so far; `loops`: the loop of each URL."""
        of_path = {urlsplit(url).path: loop for url, loop in loops.items()}
        return [Receipt(of_path[each.path], each.hit, each.event, each.at, each.accepted) for each in list(self.inbox)]


class Certificates:
    """The certificates of a server: a good one, and one for another name that is shown while `bad` is set."""

    def __init__(self, folder: Path) -> None:
        self.bad = threading.Event()
        authority = trustme.CA()
        self.ca_file = folder / CA_FILE
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._other = _context(authority, "other.example")
        self.context = _context(authority, "127.0.0.1")
        self.context.sni_callback = self._choose

    def _choose(self, handshake: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        if self.bad.is_set():
            handshake.context = self._other


def _context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@contextmanager
def serving(folder: Path, steady: int) -> Iterator[Scripts]:
    """Have the scripts up: `steady` ones that nothing happens to, and those that faults strike."""
    inbox: list[Noted] = []
    certificates = Certificates(folder)
    with ExitStack() as running:
        dns = running.enter_context(DnsServer(table={NAME: ["127.0.0.1"]}))
        server = running.enter_context(HttpServer(forgetful=True))
        secure = running.enter_context(HttpServer(forgetful=True, tls=certificates.context))
        scripts = {f"/steady/{number}": Script(inbox, ACCEPTING) for number in range(steady)}
        struck = {"/struck/plain": Script(inbox, ACCEPTING), "/struck/named": Script(inbox, ACCEPTING)}
        server.at = {path: script.answer for path, script in {**scripts, **struck}.items()}
        at_secure = {"/struck/secure": Script(inbox, ACCEPTING_ONCE)}
        secure.at = {path: script.answer for path, script in at_secure.items()}
        yield Scripts(
            dns=dns,
            ca_file=certificates.ca_file,
            steady=[server.url(path) for path in scripts],
            plain=server.url("/struck/plain"),
            named=server.url("/struck/named", host=NAME),
            secure=secure.url("/struck/secure"),
            certificates=certificates,
            _scripts={**scripts, **struck, **at_secure},
            inbox=inbox,
        )
