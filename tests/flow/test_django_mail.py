"""A mail that a program sends with Django, read by its recipient: from the mail server to the POSTs that tell of it."""

import re
import time
from html import unescape
from typing import Any

import pytest
import requests
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import override_settings

from tests.flow.customers import Customer
from tests.flow.deployment import Deployment
from tests.tracking.smtp_server import mail_server
from tracking.mailbackend import OURS

HTML = '<html><body><a href="https://shop.example.com/shoes?size=42&amp;sale=1">Shoes</a></body></html>'


def test_a_mail_that_django_sends_is_read_and_its_reader_leaves(deployment: Deployment, customer: Customer) -> None:
    script = customer.script(event_types=["open", "click", "unsubscribe"], body_format="json")
    profile = customer.profile(email="ann@example.com", firstname="Ann")
    with (
        mail_server() as server,
        override_settings(
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=server.port,
            TRACKED_EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            ENVELOPE_DOMAIN="bounce.example.com",
        ),
    ):
        mail: Any = EmailMultiAlternatives("Sale", "Hi", "shop@example.com", ["Ann <ann@example.com>"])
        mail.attach_alternative(HTML, "text/html")
        mail.account, mail.tags, mail.list_unsubscribe = customer.account, ["spring"], True
        assert get_connection(OURS).send_messages([mail]) == 1
        (taken,) = server.taken
    (link,), (pixel,) = re.findall('href="([^"]+)"', taken.html), re.findall('src="([^"]+)"', taken.html)
    leave = taken.mail["List-Unsubscribe"].strip().strip("<>")

    assert deployment.get(unescape(pixel)).status_code == 200
    clicked = deployment.get(unescape(link))
    assert clicked.headers["location"] == "https://shop.example.com/shoes?size=42&sale=1"
    assert requests.post(leave, {"List-Unsubscribe": "One-Click"}, timeout=10).status_code == 200

    script.await_books(owed=3, delivered=3)
    posts = {post.fields["type"]: post.fields for post in script.posts}
    assert posts.keys() == {"open", "click", "unsubscribe"}
    (message,) = mail.tracked_messages
    for post in posts.values():
        assert (post["id"], post["recipient"], post["tags"]) == (str(message.pk), "ann@example.com", ["spring"])
        assert (post["profile"], post["fields"]["firstname"]) == (profile.pk, "Ann")


def test_a_recipient_that_the_mail_server_refuses_is_told_of(customer: Customer) -> None:
    script = customer.script(event_types=["failure"], body_format="json")
    with (
        mail_server() as server,
        override_settings(
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=server.port,
            TRACKED_EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        ),
    ):
        server.refuses["RCPT"] = ("", "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown")
        mail: Any = EmailMultiAlternatives("Sale", "Hi", "shop@example.com", ["ann@example.com"])
        mail.account = customer.account
        with pytest.raises(OSError, match="User unknown"):
            get_connection(OURS).send_messages([mail])
    (post,) = script.await_posts(1)
    told = {name: value for name, value in post.fields.items() if name not in ("event", "timestamp", "time", "id")}
    assert told == {
        "type": "failure",
        "recipient": "ann@example.com",
        "tags": [],
        "code": 550,
        "extended": "5.1.1",
        "description": "<ann@example.com>: Recipient address rejected: User unknown",
        "action": "failed",
        "state": "rcpt",
    }
    assert abs(int(str(post.fields["time"])) - time.time()) < 60
