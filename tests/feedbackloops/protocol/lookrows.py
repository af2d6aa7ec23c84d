"""Looks that fail, each in a way of its own, and what is said of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from feedbackloops.protocol import challenge
from feedbackloops.protocol.certificates import Certificate, TlsFault
from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.outcome import ErrorKind
from feedbackloops.protocol.sights import Known, NameFault, Sight, Station

URL = "https://example.com/hooks/marketingsuite-abc.txt"
FILE = "0f" * 32
NOW = datetime(2026, 5, 9, tzinfo=UTC)
CERTIFICATE = Certificate(
    "Let's Encrypt",
    ("example.com", "www.example.com"),
    datetime(2026, 2, 2, tzinfo=UTC),
    datetime(2026, 5, 3, tzinfo=UTC),
)
REACHED: dict[str, Any] = {
    "known": (Known("93.184.216.34"),),
    "address": "93.184.216.34",
    "connected": True,
    "secured": True,
    "certificate": CERTIFICATE,
}


def failed(error: ErrorKind, **facts: Any) -> Sight:
    """A look that got no answer."""
    known = {"known": (Known("93.184.216.34"),), "address": "93.184.216.34"}
    return Sight(URL, FILE.encode(), Problem.NO_ANSWER, NOW, error=error, **known | facts)


def unnamed(fault: NameFault) -> Sight:
    return failed(ErrorKind.DNS, known=(), address="", name_fault=fault)


def untrusted(fault: TlsFault, **facts: Any) -> Sight:
    facts = {"connected": True, "certificate": CERTIFICATE, "tls_fault": fault, "detail": "so says OpenSSL"} | facts
    return failed(ErrorKind.TLS, **facts)


def answered(status: int, body: bytes = b"", redirect: str = "", truncated: bool = False, url: str = URL) -> Sight:
    """A look that was answered, and judged by that."""
    problem = challenge.judge(status, body, FILE, truncated=truncated)
    facts = {"status": status, "body": body, "redirect": redirect, "truncated": truncated}
    return Sight(url, FILE.encode(), problem, NOW, **REACHED | facts)


PLAIN = "http://example.com/hooks/marketingsuite-abc.txt"
# What was seen, what is said of it, what to do about it, and where the look came to its end.
ROWS: dict[str, tuple[Sight, str, str, Station | None]] = {
    "NXDOMAIN": (
        unnamed(NameFault.UNKNOWN),
        "There is no server of the name example.com.",
        "slip of the pen",
        Station.NAME,
    ),
    "no address": (unnamed(NameFault.NO_ADDRESS), "leads to no server", "add an A or AAAA record", Station.NAME),
    "no name": (unnamed(NameFault.INVALID), "can’t be the name of a server", "Correct the URL", Station.NAME),
    "SERVFAIL": (unnamed(NameFault.FAILED), "The name servers of example.com fail", "DNSSEC", Station.NAME),
    "DNS timeout": (unnamed(NameFault.SILENT), "don’t answer", "again in some minutes", Station.NAME),
    "private address": (
        failed(ErrorKind.BLOCKED, known=(Known("10.0.0.5", "it is a private network address (10.0.0.0/8)"),)),
        "example.com leads to an address that is never called: 10.0.0.5.",
        "Have the name lead to a public address",
        Station.ADDRESS,
    ),
    "refused": (
        failed(ErrorKind.REFUSED, detail="nothing listens there"),
        "Nothing listens at 93.184.216.34, port 443.",
        "whether the web server runs",
        Station.CONNECTION,
    ),
    "no connection in time": (
        failed(ErrorKind.TIMED_OUT, detail="no connection within 5 s"),
        "No connection to 93.184.216.34 came about in time.",
        "A firewall that drops packets",
        Station.CONNECTION,
    ),
    "no handshake in time": (
        failed(ErrorKind.TIMED_OUT, connected=True),
        "did not come to an end in time",
        "overloaded",
        Station.CERTIFICATE,
    ),
    "no answer in time": (
        failed(ErrorKind.TIMED_OUT, connected=True, secured=True),
        "its answer did not come to an end in time",
        "a file should come within a second",
        Station.ANSWER,
    ),
    "reset": (
        failed(ErrorKind.RESET, connected=True, secured=True),
        "The server hung up before it had answered.",
        "firewall",
        Station.ANSWER,
    ),
    "no HTTP": (
        failed(ErrorKind.PROTOCOL, connected=True, secured=True),
        "does not speak HTTP",
        "the port of the URL",
        Station.ANSWER,
    ),
    "endless head": (
        failed(ErrorKind.TOO_LARGE, connected=True, secured=True),
        "more than we read",
        "a program answers",
        Station.ANSWER,
    ),
    "TLS: expired": (
        untrusted(TlsFault.EXPIRED),
        "The certificate of example.com expired on 2026-05-03.",
        "Have it renewed.",
        Station.CERTIFICATE,
    ),
    "TLS: not valid yet": (
        untrusted(TlsFault.NOT_YET_VALID),
        "is not valid before 2026-02-02",
        "Wait until then",
        Station.CERTIFICATE,
    ),
    "TLS: wrong name": (
        untrusted(TlsFault.WRONG_NAME, certificate=replace(CERTIFICATE, names=("shop.example.net",))),
        "The certificate is for shop.example.net, not for example.com.",
        "get a certificate for example.com",
        Station.CERTIFICATE,
    ),
    "TLS: self-signed": (
        untrusted(TlsFault.SELF_SIGNED),
        "has signed its certificate itself",
        "a recognised authority",
        Station.CERTIFICATE,
    ),
    "TLS: unknown CA": (
        untrusted(TlsFault.UNKNOWN_ISSUER),
        "issued by Let's Encrypt, and nobody we know vouches for that",
        "send the whole chain",
        Station.CERTIFICATE,
    ),
    "TLS: no handshake": (
        untrusted(TlsFault.OTHER, certificate=None),
        "No secure connection",
        "the port of the URL",
        Station.CERTIFICATE,
    ),
    "301 to https": (
        answered(301, redirect=PLAIN.replace("http:", "https:"), url=PLAIN),
        "The server wants https://: it redirects to https://example.com/hooks/marketingsuite-abc.txt (status 301).",
        "Use the URL with https://",
        Station.ANSWER,
    ),
    "301 to www": (
        answered(301, redirect=URL.replace("//", "//www.")),
        "The server has another name: it redirects to https://www.example.com/hooks/",
        "Use that name for the script",
        Station.ANSWER,
    ),
    "302 to a login": (
        answered(302, redirect="/wp-login.php?redirect_to=%2Fhooks"),
        "The server wants a login: it redirects to https://example.com/wp-login.php",
        "without a login",
        Station.ANSWER,
    ),
    "302 to the start page": (
        answered(302, redirect="/"),
        "The server redirects to https://example.com/ (status 302).",
        "If the file is not placed yet",
        Station.ANSWER,
    ),
    "301 to http": (
        answered(301, redirect=PLAIN),
        "without encryption (status 301)",
        "answer at https:// itself",
        Station.ANSWER,
    ),
    "301 in a circle": (
        answered(301, redirect=URL),
        "to the same address again (status 301)",
        "round in a circle",
        Station.ANSWER,
    ),
    "304 without a place": (answered(304), "to nowhere that could be called (status 304)", "itself", Station.ANSWER),
    "404": (
        answered(404),
        "The server says that the file is not there (status 404).",
        "Upload it to this place",
        Station.ANSWER,
    ),
    "410": (answered(410), "not there (status 410)", "Upload it", Station.ANSWER),
    "403": (answered(403), "lets nobody read the file (status 403)", "the rights 644 and 755", Station.ANSWER),
    "401": (answered(401), "The server wants a login (status 401).", "Take the protection off", Station.ANSWER),
    "429": (answered(429), "we ask too often (status 429)", "Wait for some minutes", Station.ANSWER),
    "500": (answered(500), "The server failed (status 500).", "Its error log says why", Station.ANSWER),
    "206": (answered(206, FILE.encode()), "with status 206, where 200 is needed", "Let everybody read", Station.ANSWER),
    "200 with a page": (
        answered(200, b"<!doctype html><title>Our\nshop</title><p>Welcome"),
        "A web page, titled “Our shop”, stands where the file should be.",
        "shows a page for whatever is not there",
        Station.CONTENT,
    ),
    "200 with a page without a title": (
        answered(200, b"<html><body>"),
        "A web page stands where the file should be.",
        "place it",
        Station.CONTENT,
    ),
    "BOM and CRLF": (
        answered(200, b"\xef\xbb\xbf" + FILE.encode() + b"\r\n"),
        "The file is there, with the right content.",
        "",
        None,
    ),
    "longer file": (
        answered(200, FILE.encode() + b"\nand more"),
        "The file holds more than it should.",
        "exactly as it was downloaded",
        Station.CONTENT,
    ),
    "file without an end": (
        answered(200, FILE.encode(), truncated=True),
        "holds more than it should",
        "nothing added",
        Station.CONTENT,
    ),
    "file of another loop": (
        answered(200, b"ab" * 32 + b"\n"),
        "The content is that of another loop’s file.",
        "Download the file of this loop",
        Station.CONTENT,
    ),
    "empty file": (answered(200), "There is a file, but it is empty.", "upload the file again", Station.CONTENT),
    "empty line": (answered(200, b"\r\n"), "it is empty", "upload the file again", Station.CONTENT),
    "half a file": (
        answered(200, FILE[:20].encode()),
        "The end of the file is missing.",
        "upload it unchanged",
        Station.CONTENT,
    ),
    "other content": (
        answered(200, b"hello"),
        "another content than it should",
        "Download the file of this loop again",
        Station.CONTENT,
    ),
}
