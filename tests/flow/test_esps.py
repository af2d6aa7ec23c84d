"""What ESPs tell, from their calls to the POSTs that tell of it."""

from collections import Counter

import pytest
import requests
from django.db import connection

from tests.esp.providers import ESP_IDS, MESSAGE, Call, call, every_call, make_webhook, names, registered, sns
from tests.flow.customers import Customer, Post
from tests.flow.deployment import Deployment
from tests.flow.waiting import wait_until
from tracking.models import Event, EventType, Message
from tracking.returned import Kind, understand


@pytest.fixture(autouse=True)
def unregistered(joined: None) -> None:
    """The message that the calls name is there once, for the test that registers it."""
    Message.objects.filter(pk=MESSAGE).delete()


def made(deployment: Deployment, path: str, call: Call) -> requests.Response:
    headers = {**call.headers, "Content-Type": call.content_type}
    return requests.post(f"{deployment.tracking_url}{path}", call.body, headers=headers, timeout=20)


def told(post: Post) -> dict[str, object]:
    return {name: value for name, value in post.fields.items() if name not in ("event", "mime")}


@pytest.mark.parametrize("esp", sorted({esp for esp, _ in every_call()}))
def test_all_that_an_esp_tells_reaches_the_script(esp: str, deployment: Deployment, customer: Customer) -> None:
    script = customer.script(event_types=EventType.values, body_format="json")
    registered(customer.account, tracked=False, esp_message_id=ESP_IDS.get(esp, ""))
    webhook = make_webhook(esp, customer.account)
    for name in names(esp):
        assert made(deployment, webhook.path, call(webhook, name)).status_code == 200, name

    types = Counter(Event.objects.filter(account=customer.account, message=MESSAGE).values_list("type", flat=True))
    assert types
    script.await_books(owed=types.total(), delivered=types.total())
    assert Counter(post.fields["type"] for post in script.posts) == types


def test_a_bounce_that_ses_tells_of_reaches_the_script_as_failure_and_bounce(
    deployment: Deployment, customer: Customer
) -> None:
    script = customer.script(event_types=["failure", "bounce"], body_format="json")
    registered(customer.account, tags=["spring"])
    webhook = make_webhook("amazon_ses", customer.account)
    for _ in range(2):
        assert made(deployment, webhook.path, call(webhook, "bounce")).status_code == 200

    script.await_books(owed=2, delivered=2)
    posts = {post.fields["type"]: post for post in script.posts}
    about = {"id": str(MESSAGE), "recipient": "ann@example.com", "tags": ["spring"]}
    at = {"timestamp": "2026-11-03 09:30:10", "time": 1793698210}
    assert told(posts["failure"]) == {
        "type": "failure",
        **at,
        **about,
        "code": 550,
        "extended": "5.1.1",
        "description": "<ann@example.com>: Recipient address rejected: User unknown",
        "action": "failed",
        "state": "bounce",
    }
    assert told(posts["bounce"]) == {"type": "bounce", **at, **about}
    assert understand(posts["bounce"].fields["mime"].encode()).kind == Kind.FAILED
    webhook.refresh_from_db()
    assert (webhook.recorded, webhook.unknown) == (2, 0)


def test_what_is_told_while_postgres_is_away_is_told_again_and_reaches_the_script(
    deployment: Deployment, customer: Customer
) -> None:
    script = customer.script(event_types=["delivery", "unsubscribe"], body_format="json")
    registered(customer.account)
    webhook = make_webhook("sparkpost", customer.account)
    delivery, unsubscribe = call(webhook, "delivery"), call(webhook, "unsubscribe")
    connection.close()
    deployment.postgres.stop()
    try:
        answer = made(deployment, webhook.path, delivery)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert deployment.get(f"{deployment.tracking_url}/o/.gif").status_code == 200
    finally:
        deployment.postgres.start()
    wait_until(lambda: made(deployment, webhook.path, delivery).status_code == 200, "the call is taken")
    assert made(deployment, webhook.path, unsubscribe).status_code == 200
    script.await_books(owed=2, delivered=2)
    assert {post.fields["type"] for post in script.posts} == {"delivery", "unsubscribe"}


def test_sns_logs_in_once_it_is_asked_to(deployment: Deployment, customer: Customer) -> None:
    webhook = make_webhook("amazon_ses", customer.account)
    asked = sns(webhook, {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?a"})
    headers = {name: value for name, value in asked.headers.items() if name != "Authorization"}
    first = made(deployment, webhook.path, asked._replace(headers=headers))
    assert (first.status_code, first.headers["WWW-Authenticate"].partition(" ")[0]) == (401, "Basic")
    assert made(deployment, webhook.path, asked).status_code == 200
    webhook.refresh_from_db()
    assert webhook.confirm_url == "https://sns.eu-west-1.amazonaws.com/?a"
