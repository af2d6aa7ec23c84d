"""What each ESP really sends, and the events that it makes."""

from typing import Any

import pytest
from django.test import RequestFactory

from esp.calls import reader_of
from esp.models import Webhook
from esp.standard import About
from esp.told import Told, data_of, told_of
from profiles.models import Account
from tests.esp.providers import ESP_IDS, HAPPENED, KEYS, MESSAGE, call, every_call
from tracking.returned import understand
from tracking.returned.outcomes import Reply

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SEEN = {"ip": "203.0.113.9", "useragent": FIREFOX}
CLICK = {**SEEN, "original": "https://shop.example.com/shoes?size=42"}
NOTHING_SEEN = {"ip": "", "useragent": ""}
MIME = "(a mail)"
ABOUT = About("An ESP", "ann@example.com", HAPPENED, "track.example.com")

Expected = list[tuple[str, dict[str, Any]]]


def reply(code: int | None, extended: str, words: str, state: str | None = None) -> dict[str, Any]:
    told = {"code": code, "extended": extended, "description": words}
    return told if state is None else {**told, "state": state}


def bounced(code: int | None, extended: str, words: str) -> Expected:
    return [("failure", reply(code, extended, words, "bounce")), ("bounce", {"mime": MIME})]


ABUSE: Expected = [("abuse", {"emailfrom": "ann@example.com", "mime": MIME})]
NO_SUCH_ACCOUNT = "The email account that you tried to reach does not exist."
GOOGLE = f"{NO_SUCH_ACCOUNT} Please try double-checking the recipient's email address for typos or unnecessary spaces."
RESEND = "The recipient's email provider sent a hard bounce message, but didn't specify the reason for the hard bounce."
REJECTED = "<ann@example.com>: Recipient address rejected: User unknown"

MAKES: dict[tuple[str, str], Expected] = {
    ("amazon_ses", "bounce"): bounced(550, "5.1.1", REJECTED),
    ("amazon_ses", "complaint"): ABUSE,
    ("amazon_ses", "delivery"): [("delivery", reply(250, "2.6.0", "Message received"))],
    ("amazon_ses", "delay"): [("bounce", {"mime": MIME})],
    ("amazon_ses", "subscription"): [("unsubscribe", NOTHING_SEEN)],
    ("amazon_ses", "reject"): [("failure", reply(None, "", "Bad content", ""))],
    ("amazon_ses", "open"): [("open", SEEN)],
    ("amazon_ses", "click"): [("click", CLICK)],
    ("brevo", "delivered"): [("delivery", reply(None, "", ""))],
    ("brevo", "hard bounce"): bounced(550, "5.5.0", "Requested action not taken: mailbox unavailable."),
    ("brevo", "deferred, with another's header"): [("bounce", {"mime": MIME})],
    ("brevo", "blocked"): [("failure", reply(None, "", "blocked : due to blacklist user", ""))],
    ("brevo", "error, in seconds"): [("failure", reply(None, "", "", ""))],
    ("brevo", "complaint"): ABUSE,
    ("brevo", "unsubscribe"): [("unsubscribe", NOTHING_SEEN)],
    ("brevo", "click"): [("click", CLICK | {"ip": ""})],
    ("mailersend", "hard bounced"): bounced(None, "", "Host or domain name not found"),
    ("mailgun", "delivered"): [("delivery", reply(250, "", "OK"))],
    ("mailgun", "failed for good"): bounced(550, "5.1.1", GOOGLE),
    ("mailgun", "failed for now"): [("bounce", {"mime": MIME})],
    ("mailgun", "complained"): ABUSE,
    ("mailgun", "unsubscribed"): [("unsubscribe", SEEN)],
    ("mailgun", "opened"): [("open", SEEN)],
    ("mailgun", "clicked"): [("click", CLICK)],
    ("mailjet", "sent, in a group"): [
        ("delivery", reply(250, "2.0.0", "OK 1793698210 fa5si855896wjc.199 - gsmtp")),
    ],
    ("mailjet", "bounce"): bounced(
        None,
        "",
        "Host or domain name not found. Name service error for name=lbjsnrftlsiuvbsren.com type=A: Host not found",
    ),
    ("mailjet", "greylisted"): [("bounce", {"mime": MIME})],
    ("mailjet", "blocked"): [("failure", reply(None, "", "user unknown", ""))],
    ("mailjet", "spam"): ABUSE,
    ("mailjet", "unsub"): [("unsubscribe", SEEN)],
    ("mailjet", "click"): [("click", CLICK)],
    ("mailtrap", "bounce and click"): [
        *bounced(550, "5.1.1", f"{NO_SUCH_ACCOUNT[:-1]} a67-20020a17"),
        ("click", CLICK),
    ],
    ("mandrill", "send, bounce and deferral"): [
        *bounced(550, "5.1.1", NO_SUCH_ACCOUNT),
        ("bounce", {"mime": MIME}),
    ],
    ("mandrill", "spam, unsub and click"): [*ABUSE, ("unsubscribe", NOTHING_SEEN), ("click", CLICK)],
    ("postal", "bounced"): bounced(None, "", ""),
    ("postmark", "delivery"): [
        ("delivery", reply(250, "2.0.0", "OK  1793698210 s17-20020a170906a19100b0057ab1c9f1a0si1123ejy.502 - gsmtp"))
    ],
    ("postmark", "hard bounce"): bounced(
        550,
        "5.1.1",
        f"{GOOGLE} Learn more at https://support.google.com/mail/?p=NoSuchUser x61si1999251qvx.117 - gsmtp",
    ),
    ("postmark", "hard bounce with its mail"): bounced(550, "5.1.1", "No such user"),
    ("postmark", "answered by a machine"): [],
    ("postmark", "transient"): [("bounce", {"mime": MIME})],
    ("postmark", "spam complaint"): ABUSE,
    ("postmark", "unsubscribed"): [("unsubscribe", NOTHING_SEEN)],
    ("postmark", "suppressed since it bounced"): [],
    ("postmark", "open"): [("open", SEEN)],
    ("postmark", "click"): [("click", CLICK)],
    ("resend", "delivered"): [("delivery", reply(None, "", ""))],
    ("resend", "bounced"): bounced(None, "", RESEND),
    ("resend", "delayed"): [("bounce", {"mime": MIME})],
    ("resend", "complained"): ABUSE,
    ("resend", "clicked"): [("click", CLICK)],
    ("sendgrid", "delivered, deferred and bounced"): [
        ("bounce", {"mime": MIME}),
        ("delivery", reply(250, "", "OK")),
        *bounced(500, "5.0.0", "unknown recipient"),
    ],
    ("sendgrid", "dropped"): [("failure", reply(None, "", "Mail to this address has bounced before.", ""))],
    ("sendgrid", "spam report, unsubscribe and click"): [*ABUSE, ("unsubscribe", SEEN), ("click", CLICK)],
    ("sparkpost", "delivery"): [("delivery", reply(None, "", ""))],
    ("sparkpost", "bounce and delay"): [
        *bounced(550, "5.1.1", REJECTED),
        ("bounce", {"mime": MIME}),
    ],
    ("sparkpost", "suppressed"): [
        ("failure", reply(554, "5.7.1", "recipient address suppressed due to customer policy", ""))
    ],
    ("sparkpost", "complaint"): ABUSE,
    ("sparkpost", "unsubscribe"): [("unsubscribe", NOTHING_SEEN)],
    ("sparkpost", "open and click"): [("open", SEEN), ("click", CLICK)],
    ("sparkpost", "ping"): [],
    ("unisender_go", "hard bounced"): bounced(550, "5.1.1", "User unknown"),
}


def read(esp: str, name: str) -> list[Told]:
    """What a call tells, read as ours are."""
    webhook = Webhook(account=Account(), esp=esp, signing_key=KEYS[esp]() if esp in KEYS else "")
    made = call(webhook, name)
    headers: Any = made.headers
    request = RequestFactory().post(webhook.path, made.body, made.content_type, headers=headers)
    reader = reader_of(webhook)
    reader.run_validators(request)
    return [told_of(esp, event) for event in reader.parse_events(request)]


@pytest.mark.parametrize(("esp", "name"), every_call())
def test_what_an_esp_sends_makes_these_events(esp: str, name: str) -> None:
    made = [(type, data_of(told, type, ABOUT)) for told in read(esp, name) for type in told.types]
    assert [(type, data | ({"mime": MIME} if "mime" in data else {})) for type, data in made] == MAKES[esp, name]


@pytest.mark.parametrize(("esp", "name"), every_call())
def test_what_an_esp_sends_names_the_mail_its_recipient_and_when_it_happened(esp: str, name: str) -> None:
    for told in (each for each in read(esp, name) if each.types):
        assert told.message == MESSAGE or told.esp_id == ESP_IDS[esp]
        assert told.recipient.lower() == "ann@example.com"
        # Some tell a reception or two besides, and SES leaves it to SNS for what it rejects.
        assert (told.moments[0] - HAPPENED).total_seconds() < 2 or told.moments[-1] == HAPPENED
        assert told.key


def test_of_a_mail_that_is_tried_again_a_report_of_the_delay_is_all_that_is_told() -> None:
    (told,) = read("amazon_ses", "delay")
    (outcome,) = understand(data_of(told, "bounce", ABOUT)["mime"].encode()).outcomes
    assert (outcome.action, outcome.reply) == ("delayed", Reply(421, "4.4.1", "Unable to connect to remote host"))


def test_what_came_back_is_the_mail_where_the_esp_hands_it_over() -> None:
    (told,) = read("postmark", "hard bounce with its mail")
    assert data_of(told, "bounce", ABOUT)["mime"].startswith("Return-Path: <>\r\nFrom: Mail Delivery Subsystem")


@pytest.mark.parametrize("esp", ["mailgun", "amazon_ses", "sparkpost", "sendgrid", "postmark"])
def test_each_thing_that_is_told_has_a_key_of_its_own_and_the_same_one_when_told_again(esp: str) -> None:
    keys = [(told.kind, told.key) for each, name in every_call() if each == esp for told in read(esp, name)]
    again = [(told.kind, told.key) for each, name in every_call() if each == esp for told in read(esp, name)]
    assert keys == again
    assert len(set(keys)) == len(keys) or esp == "amazon_ses"
