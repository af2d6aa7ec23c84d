"""What hostile scripts answer comes to an outcome in words, within its time, and to pages that can be read."""

import gzip

import pytest
from pytest_django import Settings

from feedbackloops import door, verification
from feedbackloops.models import FeedbackLoop
from feedbackloops.outbound import Call
from feedbackloops.outbound.calls import ANSWER_LIMIT
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.testcalls import KEPT_OF_ANSWER
from tests.dashboard import staff, text, url
from tests.factories import make_account, make_test_call, make_verified_loop
from tests.feedbackloops.conftest import server  # noqa: F401  (a fixture)
from tests.http_server import Behaviour, Exchange, HttpServer, raw
from tests.promptness import within

pytestmark = pytest.mark.django_db

OK = b"HTTP/1.1 200 OK\r\n"
EVERY_BYTE = bytes(range(256))


def endless(start: bytes, block: bytes) -> Behaviour:
    """Answer this, and then the block for ever."""

    def answer_for_ever(exchange: Exchange) -> bool:
        exchange.send(start)
        while not exchange.stopping.is_set():
            exchange.send(block)
        return False

    return answer_for_ever


def whole(body: bytes, *lines: bytes) -> bytes:
    return b"".join([OK, *(line + b"\r\n" for line in lines), b"Content-Length: %d\r\n\r\n" % len(body), body])


def chunked(body: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + body


BOMB = gzip.compress(b"\0" * 10_000_000)
ACCEPTED, REJECTED = Outcome.ACCEPTED, Outcome.REJECTED
FAILED, LATE, LOST = Outcome.SERVER_ERROR, Outcome.TIMED_OUT, Outcome.UNREACHABLE
ANSWERS: dict[str, tuple[Behaviour, Outcome]] = {
    # Without an end
    "endless body": (endless(OK + b"\r\n", b"x" * 65536), ACCEPTED),
    "endless head": (endless(OK, b"X-A: b\r\n" * 1000), ACCEPTED),
    "endless line": (endless(OK + b"X-A: ", b"x" * 65536), ACCEPTED),
    "endless interim answers": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), FAILED),
    "endless early hints": (endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100), FAILED),
    "endless chunks of one byte": (endless(chunked(b""), b"1\r\nx\r\n" * 1000), ACCEPTED),
    "endless extension of a chunk": (endless(chunked(b"1;"), b"x" * 65536), LATE),
    "endless trailer": (endless(chunked(b"0\r\n"), b"X-A: b\r\n" * 1000), ACCEPTED),
    "endless status line": (endless(b"HTTP/1.1 200 ", b"O" * 65536), FAILED),
    # Odd heads
    "many headers": (raw(OK + b"".join(b"X-%d: y\r\n" % n for n in range(4000)) + b"\r\n"), ACCEPTED),
    "NUL in a header": (raw(whole(b"", b"X-A: b\0c")), FAILED),
    "every byte in a header": (raw(whole(b"", b"X-A: " + EVERY_BYTE.translate(None, b"\r\n\0"))), ACCEPTED),
    "folded header": (raw(whole(b"", b"X-A: b", b" c")), ACCEPTED),
    "header without a name": (raw(whole(b"", b": b")), ACCEPTED),
    "no colon": (raw(whole(b"", b"nonsense")), FAILED),
    "bare line feeds": (raw(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"), ACCEPTED),
    "two lengths": (raw(whole(b"abc", b"Content-Length: 1")), FAILED),
    "negative length": (raw(OK + b"Content-Length: -1\r\n\r\nabc"), FAILED),
    "length beyond all numbers": (raw(OK + b"Content-Length: 99999999999999999999\r\n\r\n"), ACCEPTED),
    "length and chunks": (raw(OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), ACCEPTED),
    "location of every byte": (
        raw(b"HTTP/1.1 302 X\r\nLocation: " + EVERY_BYTE.translate(None, b"\r\n\0") + b"\r\n\r\n"),
        REJECTED,
    ),
    "location that is a script": (raw(b"HTTP/1.1 301 X\r\nLocation: javascript:alert(1)\r\n\r\n"), REJECTED),
    "location without an end": (raw(b"HTTP/1.1 302 X\r\nLocation: http://" + b"a" * 60_000 + b"\r\n\r\n"), REJECTED),
    "location that injects": (raw(b"HTTP/1.1 302 X\r\nLocation: /\rX-A: b\r\n\r\n"), FAILED),
    "retry after for ever": (raw(b"HTTP/1.1 429 X\r\nRetry-After: " + b"9" * 5000 + b"\r\n\r\n"), Outcome.THROTTLED),
    "retry after no date": (
        raw(b"HTTP/1.1 503 X\r\nRetry-After: Mon, 99 Foo 99999 99:99:99 GMT\r\n\r\n"),
        FAILED,
    ),
    # No HTTP, or hardly
    "HTTP/0.9": (raw(b"<html>hello"), FAILED),
    "HTTP/2": (raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), FAILED),
    "HTTP/3.0": (raw(b"HTTP/3.0 200 OK\r\n\r\n"), ACCEPTED),
    "another protocol": (raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), LOST),
    "status of four digits": (raw(b"HTTP/1.1 2000 OK\r\n\r\n"), ACCEPTED),
    "status zero": (raw(b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"), FAILED),
    "status below zero": (raw(b"HTTP/1.1 -20 OK\r\n\r\n"), FAILED),
    "every byte": (raw(EVERY_BYTE), FAILED),
    "only line breaks": (raw(b"\r\n" * 1000), FAILED),
    # Odd bodies
    "gzip bomb": (raw(whole(BOMB, b"Content-Encoding: gzip")), ACCEPTED),
    "bomb within chunks": (raw(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), FAILED),
    "body of every byte": (raw(whole(EVERY_BYTE)), ACCEPTED),
    "body of half characters": (raw(whole(b"\xed\xa0\x80\xf0\x9f" * 100)), ACCEPTED),
    "chunk beyond all numbers": (raw(chunked(b"FFFFFFFFFFFFFFFFF\r\nx")), LOST),
    "chunk below zero": (raw(chunked(b"-1\r\nx")), LOST),
    "chunks of garbage": (raw(chunked(b"\xff\0\xfe\r\n")), LOST),
}


@pytest.fixture
def loop(server: HttpServer, settings: Settings) -> FeedbackLoop:  # noqa: F811
    settings.ANSWER_SECONDS = 0.4
    return make_verified_loop(make_account(), url=server.url("/script.php"))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_answer_comes_to_an_outcome(name: str, loop: FeedbackLoop, server: HttpServer) -> None:  # noqa: F811
    server.behaviour, outcome = ANSWERS[name]

    with within(1):
        call = make_test_call(loop)

    assert call.outcome == outcome, call.message
    assert call.message.isprintable()
    assert len(call.message) < 600
    assert len(call.answer) <= KEPT_OF_ANSWER


@pytest.mark.parametrize("name", ANSWERS)
def test_a_hostile_answer_verifies_nothing(name: str, loop: FeedbackLoop, server: HttpServer) -> None:  # noqa: F811
    server.behaviour, _ = ANSWERS[name]

    assert not verification.look(loop)

    looks = list(loop.looks.all())
    assert all(look.message and look.message.isprintable() and not look.found for look in looks)
    assert max(len(look.redirect) for look in looks) < ANSWER_LIMIT


def test_pages_show_what_hostile_scripts_answered(loop: FeedbackLoop, server: HttpServer) -> None:  # noqa: F811
    client = staff("feedbackloops.view_feedbackloop", "feedbackloops.change_feedbackloop")
    for name in ("HTTP/0.9", "every byte", "body of every byte", "location of every byte", "location that is a script"):
        server.behaviour, _ = ANSWERS[name]
        make_test_call(loop)
        verification.look(loop)
        page = ""
        page += text(client.get(url("feedbackloops_feedbackloop", "change", loop.pk)))
        assert "<html>hello" not in page
        assert 'href="javascript' not in page


def test_an_answer_without_an_end_is_read_no_further_than_its_limit(server: HttpServer) -> None:  # noqa: F811
    server.behaviour = endless(OK + b"\r\n", b"x" * 65536)
    answer = door.perform(Call(server.url(), body=b""))
    assert answer.truncated
    assert len(answer.body) == 1024
