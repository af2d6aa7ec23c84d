"""Each way in which a look can fail has words of its own, and says what to do: a row for each."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol import challenge
from feedbackloops.protocol.certificates import Certificate, TlsFault
from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.diagnosis import diagnose
from feedbackloops.protocol.diagnosis.way import Passage, way_of
from feedbackloops.protocol.outcome import ErrorKind
from feedbackloops.protocol.sights import Known, NameFault, Sight, Station, facts_of

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


@pytest.mark.parametrize("name", ROWS)
def test_each_failure_has_words_and_advice_of_its_own(name: str) -> None:
    sight, title, advice, _ = ROWS[name]
    told = diagnose(sight)
    assert title in str(told.title)
    assert advice in " ".join(map(str, told.advice))
    assert bool(told.advice) == (sight.problem is not Problem.OK)


@pytest.mark.parametrize("name", ROWS)
def test_each_look_ends_at_one_station_and_never_reached_those_behind_it(name: str) -> None:
    sight, _, _, end = ROWS[name]
    way = way_of(sight)
    passages = [stop.passage for stop in way]
    assert [stop.station for stop in way if stop.passage is Passage.FAILED] == ([end] if end else [])
    assert passages == sorted(passages, key=[Passage.PASSED, Passage.FAILED, Passage.NOT_REACHED].index)
    assert all(str(stop.found) for stop in way)
    assert (Station.CERTIFICATE in [stop.station for stop in way]) == sight.url.startswith("https")


@pytest.mark.parametrize("name", ROWS)
def test_what_was_seen_comes_back_from_where_it_is_kept(name: str) -> None:
    sight = ROWS[name][0]
    kept = {each: getattr(sight, each) for each in facts_of(sight.facts())}
    assert facts_of(sight.facts()) == kept
    assert len(kept) == len(sight.facts())


def found(sight: Sight, station: Station) -> str:
    return next(str(stop.found) for stop in way_of(sight) if stop.station is station)


@pytest.mark.parametrize(
    ("name", "station", "words"),
    [
        ("404", Station.NAME, "example.com leads to 93.184.216.34."),
        ("404", Station.ADDRESS, "93.184.216.34 may be called."),
        ("404", Station.CONNECTION, "Connected to 93.184.216.34, port 443."),
        ("404", Station.CERTIFICATE, "For example.com, www.example.com, issued by Let's Encrypt, valid to 2026-05-03."),
        ("404", Station.ANSWER, "Status 404."),
        ("404", Station.CONTENT, "Not reached."),
        ("NXDOMAIN", Station.NAME, "This name does not exist (NXDOMAIN)."),
        ("SERVFAIL", Station.NAME, "Its name servers failed (SERVFAIL or REFUSED)."),
        ("private address", Station.ADDRESS, "10.0.0.5: it is a private network address (10.0.0.0/8)."),
        ("refused", Station.CONNECTION, "93.184.216.34, port 443: nothing listens there."),
        ("TLS: expired", Station.CERTIFICATE, "valid from 2026-02-02 to 2026-05-03. Refused: so says OpenSSL."),
        ("301 to www", Station.ANSWER, "Status 301, which leads to https://www.example.com/hooks/"),
        ("longer file", Station.CONTENT, "Not what the file should hold."),
        ("BOM and CRLF", Station.CONTENT, "Exactly what the file should hold."),
    ],
)
def test_each_station_tells_what_was_found_there(name: str, station: Station, words: str) -> None:
    assert words in found(ROWS[name][0], station)


def test_an_address_in_the_url_is_no_name() -> None:
    sight = replace(answered(404), url="https://[2606:4700::1]/f.txt", known=(Known("2606:4700::1"),))
    assert found(sight, Station.NAME) == "The URL has an address in the place of a name."


def test_a_look_from_before_details_were_kept_tells_what_there_is() -> None:
    sight = Sight(URL, FILE.encode(), Problem.NO_ANSWER, NOW, **facts_of({}))
    assert str(diagnose(sight)) == "There was no answer. Press Check now to look again."
    assert [stop.passage for stop in way_of(sight)][:3] == [Passage.PASSED, Passage.PASSED, Passage.FAILED]


texts = st.text(max_size=400)


@given(status=st.integers(0, 999), body=st.binary(max_size=300), redirect=texts, detail=texts, truncated=st.booleans())
def test_whatever_a_stranger_sends_is_told_on_a_short_line(
    status: int, body: bytes, redirect: str, detail: str, truncated: bool
) -> None:
    sight = replace(answered(status, body, redirect, truncated), detail=detail)
    for told in (str(diagnose(sight)), *(str(stop.found) for stop in way_of(sight))):
        assert told.isprintable()
        assert len(told) < 1000
