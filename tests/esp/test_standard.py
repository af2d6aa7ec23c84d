"""The mails that are written in the place of those that an ESP keeps to itself, as our own reader reads them."""

from dataclasses import replace
from email import message_from_string
from typing import Any

from esp.standard import About, complaint_report, delivery_report
from tests.esp.providers import HAPPENED
from tracking.returned import Kind, understand
from tracking.returned.outcomes import Reply

ABOUT = About("Mailgun", "ann@example.com", HAPPENED, "track.example.com", "Спецпредложение", "7@shop.example.com")
REPLY = Reply(550, "5.1.1", "No such user here")


def parts(report: str) -> Any:
    return message_from_string(report).get_payload()


def test_a_failure_is_read_as_the_failure_that_it_was() -> None:
    understood = understand(delivery_report(ABOUT, REPLY, '{"event": "failed"}').encode())
    (outcome,) = understood.outcomes
    assert (outcome.action, outcome.recipient, outcome.reply, outcome.at) == (
        "failed",
        "ann@example.com",
        REPLY,
        HAPPENED,
    )
    assert understood.kind == Kind.FAILED
    assert understood.clues.headers == ("<7@shop.example.com>",)


def test_a_failure_without_a_reply_has_the_status_that_says_nothing() -> None:
    for reply, status in ((Reply(), "5.0.0"), (Reply(452), "4.0.0")):
        (outcome,) = understand(delivery_report(ABOUT, reply, "{}").encode()).outcomes
        assert outcome.reply.extended == status


def test_a_delay_is_read_as_one_whatever_is_known_of_it() -> None:
    for reply, status in ((Reply(), "4.0.0"), (Reply(452, "4.2.2"), "4.2.2")):
        understood = understand(delivery_report(ABOUT, reply, "{}", is_final=False).encode())
        (outcome,) = understood.outcomes
        assert (understood.kind, outcome.action, outcome.reply.extended) == (Kind.DELAYED, "delayed", status)


def test_a_complaint_is_read_as_one() -> None:
    understood = understand(complaint_report(ABOUT, "{}").encode())
    assert understood.kind == Kind.COMPLAINT
    assert understood.complaint
    assert understood.complaint.recipients == ("ann@example.com",)


def test_the_first_part_has_what_the_esp_said_word_by_word() -> None:
    said = '{"city": "Málaga"}'
    first = parts(delivery_report(ABOUT, REPLY, said))[0].get_payload(decode=True).decode()
    assert said in first
    assert "Mailgun told of this" in first


def test_no_text_of_a_mail_or_of_an_esp_can_add_a_header_or_a_part() -> None:
    hostile = replace(ABOUT, subject="a\r\nBcc: eve@example.com\r\n\r\nhi", recipient="ann@example.com\nX: y")
    for text in (
        delivery_report(hostile, Reply(550, "5.1.1", "no\r\nAction: delivered"), '"\n--=_x\nSubject: z\n'),
        complaint_report(hostile, "\ud800\x00"),
    ):
        report = message_from_string(text)
        assert report["Bcc"] is None
        assert len(parts(text)) == 3
        assert not [line for line in text.splitlines() if line.startswith(("Action: delivered", "X: y"))]


def test_the_same_words_make_the_same_mail() -> None:
    assert delivery_report(ABOUT, REPLY, "{}") == delivery_report(ABOUT, REPLY, "{}")
