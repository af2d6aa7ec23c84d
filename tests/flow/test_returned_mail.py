"""Mail that comes back, from the mail server's hands to the POSTs that tell of it."""

import smtplib
import socket
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection

from marketingsuite.devstack import any_free_port
from tests.flow.customers import Customer, Post
from tests.flow.deployment import Deployment
from tests.flow.waiting import wait_until
from tests.tracking.returned.test_understanding import MAILS, mail
from tests.tracking.test_maildoor import DOMAIN
from tests.tracking.test_mailin import REGISTERED, address_of
from tracking.ids import first_id_at
from tracking.models import Message


@pytest.fixture
def message(customer: Customer) -> Message:
    """A message of the time of which the mails tell."""
    profile = customer.profile(email="ann@example.com", firstname="Änn")
    id = UUID(int=first_id_at(REGISTERED).int | customer.account.pk)
    return Message.objects.create(
        id=id, account=customer.account, profile=profile, recipient="ann@example.com", created=REGISTERED
    )


def dry_run(name: str, message: Message) -> str:
    """What the command shows of a mail."""
    out = StringIO()
    call_command("ingest_mail", "--dry-run", MAILS / f"{name}.eml", "--envelope-to", address_of(message), stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def door(deployment: Deployment) -> Iterator[int]:
    """The port of a mail door, which is one more process of the deployment."""
    port, processes = any_free_port(), deployment.processes
    processes.commands["door"] = f"python manage.py mail_door --lmtp 127.0.0.1:{port}"
    processes.env["ENVELOPE_DOMAIN"] = DOMAIN
    deployment.start("door")
    wait_until(lambda: listens(port), "the mail door is open")
    yield port
    processes.stop("door")
    del processes.commands["door"], processes.env["ENVELOPE_DOMAIN"]


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def hand_over(port: int, name: str, message: Message) -> int:
    """Bring a mail to the door, as a mail server does; the door's answer to it."""
    with smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
        try:
            assert client.sendmail("", [address_of(message)], mail(name)) == {}
        except smtplib.SMTPDataError as error:
            return error.smtp_code
    return 250


def posts_by_type(posts: list[Post]) -> dict[str, Post]:
    return {post.fields["type"]: post for post in posts}


def test_a_bounce_reaches_the_script_as_the_dry_run_has_said(customer: Customer, message: Message, door: int) -> None:
    script = customer.script(event_types=["failure", "bounce"])
    shown = dry_run("postfix", message)
    assert hand_over(door, "postfix", message) == 250
    script.await_books(owed=2, delivered=2)
    posts = posts_by_type(script.posts)
    failure = posts["failure"].fields
    assert (failure["id"], failure["recipient"], failure["time"]) == (str(message.pk), "ann@example.com", "1793698207")
    assert (failure["code"], failure["extended"], failure["state"]) == ("550", "5.1.1", "bounce")
    assert failure["description"] == (
        "<ann@example.com>: Recipient address rejected: User unknown in virtual mailbox table"
    )
    assert failure["fields"] == {"email": "ann@example.com", "firstname": "Änn"}
    assert posts["bounce"].fields["mime"] == mail("postfix").decode()
    assert posts["bounce"].fields["envelope"] == address_of(message)
    for post in posts.values():
        post.check_signature(script.loop.secret)
    same = "Host Content-Type User-Agent webhook-id webhook-attempt X-Copernica-ID"
    head = [f"{name}: {posts['failure'].header(name.lower())}" for name in same.split()]
    assert posts["failure"].request.body.decode() in shown.splitlines()
    assert not [line for line in head if line not in shown.splitlines()]


@pytest.mark.parametrize(
    ("name", "kind"), [("arf-yahoo", "abuse"), ("vacation-sieve", "bounce"), ("exchange", "failure")]
)
def test_complaints_and_answers_reach_the_script(
    customer: Customer, message: Message, door: int, name: str, kind: str
) -> None:
    script = customer.script(event_types=["failure", "bounce", "abuse"], body_format="json")
    assert hand_over(door, name, message) == 250
    posts = posts_by_type(script.await_posts(2 if kind == "failure" else 1))
    assert posts.keys() == ({"failure", "bounce"} if kind == "failure" else {kind})
    assert posts[kind].fields["id"] == str(message.pk)
    if kind == "abuse":
        assert posts[kind].fields["emailfrom"] == "ann@example.com"
    if kind != "failure":
        assert posts[kind].fields["mime"] == mail(name).decode()


def test_a_mail_that_comes_while_postgres_is_away_is_refused_for_now_and_not_lost(
    deployment: Deployment, customer: Customer, message: Message, door: int
) -> None:
    script = customer.script(event_types=["failure"], body_format="json")
    connection.close()
    deployment.postgres.stop()
    try:
        assert hand_over(door, "gmail", message) == 451
    finally:
        deployment.postgres.start()
    wait_until(lambda: hand_over(door, "gmail", message) == 250, "the mail is taken")
    (post,) = script.await_posts(1)
    assert (post.fields["id"], post.fields["code"]) == (str(message.pk), 550)
