"""Mails that are made to take long: whoever knows the envelope domain may send any, and one door reads them all."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time

import pytest

from tests.tracking.returned.test_understanding import mail
from tracking.returned import Kind, understand

SECONDS = 5.0
DAEMON = b"From: MAILER-DAEMON@mx.example.com\n"
REASON = b"This Message was undeliverable due to the following reason:\n"
PARTS = b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(300))


@contextmanager
def little_work() -> Iterator[None]:
    """Fail unless the block works no longer. A pattern lets no other thread run meanwhile, so no clock tells."""
    began = thread_time()
    yield
    took = thread_time() - began
    assert took < SECONDS, f"took {took:.1f} s"


@pytest.mark.parametrize(
    "raw",
    [
        DAEMON + b"\n" + b"," * 100_000,
        DAEMON + PARTS + REASON + b"<" * 2_000 + b"\n--b\n",
        DAEMON + b"Content-Transfer-Encoding: base64\n\n" + b"LCws" * 30_000,
        DAEMON + b'Content-Type: text/plain; a="' + b';\\"' * 60_000 + b"\n\nNo such user",
        DAEMON + b"Subject:" + b" =?utf-8?b?YQ==?= =?latin-1?q?x?=" * 24_000 + b"\n\nNo such user",
        DAEMON + NESTED + b"\n" * 400_000,
        DAEMON + NESTED + b"\r" * 400_000,
    ],
    ids=["commas", "brackets", "encoded", "parameters", "words", "parts", "returns"],
)
def test_no_mail_takes_long(raw: bytes) -> None:
    with little_work():
        assert understand(raw).key


def test_a_report_is_read_however_long_its_servers_words_are() -> None:
    said = b"Recipient address rejected"
    with little_work():
        (outcome,) = understand(mail("postfix").replace(b"smtp; 550", b"a" * 40_000).replace(said, b"x")).outcomes
    assert outcome.action == "failed"


@pytest.mark.parametrize("before", [b"smtp; ", b"X-Postfix ; ", b""])
def test_words_with_a_semicolon_are_told_whole(before: bytes) -> None:
    words = b"550 5.1.1 No such user; try another"
    raw = mail("gmail").partition(b"Diagnostic-Code: ")[0] + b"Diagnostic-Code: " + before + words + b"\r\n"
    (outcome,) = understand(raw).outcomes
    assert outcome.reply.words == "No such user; try another"


def test_what_follows_no_standard_is_read_beside_lines_without_end() -> None:
    raw = mail("qmail").replace(b"\r\n\r\n", b"\r\n\r\n" + b"," * 5_000 + b"\r\n", 1)
    assert understand(raw).kind == Kind.FAILED
    assert understand(raw + b"x" * 9_000_000).kind == Kind.FAILED
