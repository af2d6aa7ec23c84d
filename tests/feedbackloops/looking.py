"""Looks for the verification file of a loop, and the section of its page that tells of them."""

import html
import re

from django.test import Client

from feedbackloops import verification
from feedbackloops.models import FeedbackLoop
from tests.dashboard import text, url


def part(client: Client, loop: FeedbackLoop, name: str = "verification") -> str:
    """The section as a browser shows it: without its tags, and blanks run together."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source(client, loop, name))).split())


def source(client: Client, loop: FeedbackLoop, name: str = "verification") -> str:
    return text(client.get(url("feedbackloops_feedbackloop", "part", loop.pk, name)))


def seen(loop: FeedbackLoop) -> None:
    loop.refresh_from_db()
    verification.look(loop)
