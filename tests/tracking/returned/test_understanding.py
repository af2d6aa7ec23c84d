import base64
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.returned import Kind, understand
from tracking.returned.outcomes import Reply

MAILS = Path(__file__).parent / "mails"
MESSAGE_ID = "<019d38e3-2a10@shop.example.com>"


def mail(name: str) -> bytes:
    """A mail as it comes by SMTP."""
    return (MAILS / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        (
            "postfix",
            Reply(
                550,
                "5.1.1",
                "<ann@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
            ),
        ),
        ("exim", Reply(550, "5.7.1", "Service refused, see https://policy.example.com/")),
        ("exim-plain", Reply(550, "", "No such user here")),
        ("exchange", Reply(550, "5.1.1", "RESOLVER.ADR.RecipNotFound; not found")),
        (
            "office365",
            Reply(
                550,
                "5.1.10",
                "RESOLVER.ADR.RecipientNotFound; Recipient ann@example.com not found by SMTP address lookup",
            ),
        ),
        (
            "gmail",
            Reply(
                550,
                "5.1.1",
                "The email account that you tried to reach does not exist. Please try double-checking the recipient's "
                "email address for typos or unnecessary spaces.",
            ),
        ),
        (
            "yahoo",
            Reply(
                554,
                "5.0.0",
                "delivery error: dd This user doesn't have a yahoo.com account (ann@example.com) [-5] - "
                "atlas112.free.mail.gq1.yahoo.com",
            ),
        ),
        ("qmail", Reply(550, "5.2.1", "The mailbox is disabled, and not accepting messages.")),
        ("ses", Reply(550, "5.4.1", "Recipient address rejected: Access denied. AS(201806281)")),
    ],
)
def test_a_failure_is_understood_whichever_server_tells_of_it(name: str, reply: Reply) -> None:
    understood = understand(mail(name))
    assert understood.kind == Kind.FAILED
    (outcome,) = understood.outcomes
    assert (outcome.action, outcome.recipient, outcome.reply) == ("failed", "ann@example.com", reply)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("postfix-delayed", Kind.DELAYED),
        ("postfix-delivered", Kind.DELIVERED),
        ("arf-yahoo", Kind.COMPLAINT),
        ("arf-gmail", Kind.COMPLAINT),
        ("arf-jmrp", Kind.COMPLAINT),
        ("arf-outlook", Kind.COMPLAINT),
        ("arf-not-spam", Kind.OTHER),
        ("vacation-sieve", Kind.AUTOMATIC),
        ("vacation-outlook", Kind.AUTOMATIC),
        ("vacation-gmail", Kind.AUTOMATIC),
        ("person", Kind.OTHER),
    ],
)
def test_other_mails_are_told_from_failures(name: str, kind: Kind) -> None:
    assert understand(mail(name)).kind == kind


@pytest.mark.parametrize("name", sorted(path.stem for path in MAILS.glob("*.eml")))
def test_the_message_id_of_what_is_returned_or_answered_is_a_clue(name: str) -> None:
    clues = understand(mail(name)).clues
    if name == "ses":
        assert clues.ids == (UUID("019d38e3-2a10-7d44-9a31-7c2f10b4e5d6"),)
    elif name == "vacation-gmail":
        assert clues.recipients == ("ann@example.com",)
    else:
        assert clues.headers == (MESSAGE_ID,)


@pytest.mark.parametrize("name", ["arf-yahoo", "arf-jmrp", "arf-outlook"])
def test_who_complains_is_told_where_the_provider_tells(name: str) -> None:
    complaint = understand(mail(name)).complaint
    assert complaint is not None
    assert complaint.recipients == ("ann@example.com",)


SAID = "<ann@example.com>: Recipient address rejected"


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("Почтовый ящик не найден".encode(), "Почтовый ящик не найден"),
        ("Empfänger unbekannt".encode("latin-1"), "Empfänger unbekannt"),
        (b"=?utf-8?q?Bo=C3=AEte_inconnue?=", "Boîte inconnue"),
        (b"=?unicode_escape?q?=5Cud800?= x", "? x"),
    ],
)
def test_a_report_in_words_that_are_not_ascii_is_read(words: bytes, read: str) -> None:
    (outcome,) = understand(mail("postfix").replace(SAID.encode(), words)).outcomes
    assert outcome.reply.words.startswith(read)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_report_about_an_address_that_is_not_ascii_is_read(encoded: bool) -> None:
    # RFC 6533, as servers with SMTPUTF8 send it.
    fields = (
        "Reporting-MTA: dns; mx.müller.example\r\n\r\n"
        r"Original-Recipient: utf-8; j\x{F6}rg\x{D800}@m\x{FC}ller.example"
        "\r\nFinal-Recipient: utf-8; jörg@müller.example\r\nAction: failed\r\nStatus: 5.6.7\r\n"
        "Diagnostic-Code: smtp; 550 5.6.7 Address is not ASCII\r\n"
    ).encode()
    body = base64.encodebytes(fields).replace(b"\n", b"\r\n") if encoded else fields
    raw = (
        b"From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: "
        + (b"base64" if encoded else b"8bit")
        + b"\r\n\r\n"
        + body
        + b"\r\n--b\r\nContent-Type: message/global-headers\r\n\r\nMessage-ID: <1@shop.example.com>\r\n"
        + "To: Jörg <jörg@müller.example>\r\n--b--\r\n".encode()
    )
    understood = understand(raw)
    (outcome,) = understood.outcomes
    assert (outcome.recipient, outcome.original) == ("jörg@müller.example", r"jörg\x{D800}@müller.example")
    assert outcome.reply == Reply(550, "5.6.7", "Address is not ASCII")
    assert understood.clues.recipients[-1] == "jörg@müller.example"
    assert understood.clues.headers == ("<1@shop.example.com>",)


def test_a_mail_is_the_same_by_whatever_way_it_comes() -> None:
    raw = mail("postfix")
    ways = [raw, raw.replace(b"\r\n", b"\n"), b"From MAILER-DAEMON Tue Nov  3 09:30:07 2026\n" + raw]
    ways.append(b"Received: by elsewhere; Tue, 3 Nov 2026 09:31:00 +0000\r\nDelivered-To: a@b.example\r\n" + raw)
    assert len({understand(way).key for way in ways}) == 1
    assert understand(raw.replace(b"Hi Ann", b"Hi Bob")).key != understand(raw).key


@given(st.binary(max_size=3000))
def test_any_bytes_are_taken(raw: bytes) -> None:
    assert understand(raw, ["a@b.example"]).key


@given(st.sampled_from(sorted(MAILS.glob("*.eml"))), st.data())
def test_a_mail_that_was_damaged_on_the_way_is_taken(path: Path, data: st.DataObject) -> None:
    raw = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=40)):
        raw[place : place + 1] = data.draw(st.binary(max_size=4))
    assert understand(bytes(raw)).key


def test_a_mail_nested_without_end_is_taken() -> None:
    raw = b"Content-Type: message/rfc822\n\n" * 20_000 + b"end"
    assert understand(raw, ["b-1@bounce.example.com"]).clues.envelopes[0] == "b-1@bounce.example.com"
