"""Calls that are too large, too many, or meant for nobody; subscriptions that are to be confirmed."""

import json
import socket
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from anymail.webhooks.unisender_go import UnisenderGoTrackingWebhookView
from django.test import Client
from django.utils.module_loading import import_string
from django.utils.timezone import now

from esp import calls
from esp.models import Webhook
from profiles.models import Account
from tests.esp.providers import Call, call, content_of, login, make_webhook, registered, send, signed, sns
from tests.factories import make_account

pytestmark = pytest.mark.django_db
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "Token": "2336412f37fb687f5d51e6e2425a8a5ad9",
    "Message": "You have chosen to subscribe to the topic.",
    "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:8:x",
}


@pytest.fixture
def account() -> Account:
    return make_account()


def fresh(webhook: Webhook) -> Webhook:
    webhook.refresh_from_db()
    return webhook


def test_other_addresses_and_methods_are_told_plainly(account: Account) -> None:
    webhook = make_webhook("postmark", account)
    client = Client()
    assert client.put(webhook.path).status_code == 405
    paths = ["/esp/", "/esp/postmark/", "/esp/postmark/x/", f"/esp/mailgun/{webhook.path_key}/", f"{webhook.path}more"]
    for path in (*paths, f"/esp/../{webhook.path_key}", "/esp/postmark/\x00/", f"/esp/{'a' * 5000}/b/"):
        response = client.post(path, b"{}", "application/json")
        assert (response.status_code, response.headers["Content-Type"]) == (404, "text/plain; charset=utf-8"), path


@pytest.mark.parametrize(("esp", "inside"), [("sendgrid", False), ("mandrill", False), ("mailtrap", True)])
def test_more_events_than_any_esp_sends_are_refused_before_they_are_read(
    esp: str, inside: bool, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = make_webhook(esp, account)
    read: list[Any] = []

    def parse(self: Any, request: Any) -> list[Any]:
        read.append(request)
        return []

    monkeypatch.setattr(import_string(webhook.provider.view), "parse_events", parse)
    for number, status in ((10_000, 200), (10_001, 413)):
        events = [0] * number
        assert send(webhook, signed(webhook, {"events": events} if inside else events)).status_code == status
    assert (len(read), fresh(webhook).problem) == (1, calls.TOO_MANY)


def test_a_call_that_makes_more_events_than_are_taken_is_refused(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = make_webhook("postmark", account)
    monkeypatch.setattr(calls, "MOST", 0)
    assert send(webhook, "delivery").status_code == 413
    assert fresh(webhook).problem == calls.TOO_MANY


@pytest.mark.parametrize("auth", ["", "0", "A" * 32, 7, None])
def test_what_can_not_be_a_signature_is_not_looked_for_in_the_body(
    auth: Any, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = make_webhook("unisender_go", account)
    checked: list[Any] = []
    monkeypatch.setattr(UnisenderGoTrackingWebhookView, "validate_request", lambda self, request: checked.append(1))
    assert send(webhook, Call(json.dumps({"auth": auth, "events_by_user": []}).encode())).status_code == 400
    assert (checked, fresh(webhook).problem) == ([], calls.BAD_SIGNATURE)


def test_the_address_which_is_a_secret_is_not_in_the_log(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    webhook = make_webhook("postmark", account)
    assert send(webhook, Call(b"{}", headers=login("suite:wrong"))).status_code == 401
    assert send(webhook, Call(b"[", headers=login(webhook.login))).status_code == 400
    Client().put(webhook.path)
    Webhook.objects.filter(pk=webhook.pk).delete()
    assert send(webhook, Call(b"{}")).status_code == 404
    assert webhook.path_key not in caplog.text
    assert f"A call to webhook {webhook.pk} was refused (401)" in caplog.text


def test_more_than_is_taken_at_once_is_told_so(account: Account, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    webhook = make_webhook("postmark", account)
    assert send(webhook, "delivery").status_code == 413
    signing = make_webhook("mailersend", account)
    assert send(signing, "hard bounced").status_code == 413


def test_staff_confirm_the_subscription_of_sns_at_amazon(account: Account) -> None:
    webhook = make_webhook("amazon_ses", account)
    without = sns(webhook, CONFIRMATION)
    headers = {name: value for name, value in without.headers.items() if name != "Authorization"}
    asked = send(webhook, Call(without.body, without.content_type, headers))
    assert (asked.status_code, asked.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert fresh(webhook).confirm_url == ""
    assert send(webhook, without).status_code == 200
    assert fresh(webhook).confirm_url == CONFIRMATION["SubscribeURL"]
    said = {"Type": "Notification"}
    confirmed = sns(webhook, said | {"Message": "Successfully validated SNS topic for Amazon SES event publishing."})
    assert send(webhook, confirmed).status_code == 200
    assert fresh(webhook).confirm_url == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com.evil.example/?Action=ConfirmSubscription",
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
        "javascript:alert(1)//https://sns.us-east-1.amazonaws.com/?x",
        7,
    ],
)
def test_a_confirmation_leads_nowhere_but_to_amazon(url: Any, account: Account) -> None:
    webhook = make_webhook("amazon_ses", account)
    assert send(webhook, sns(webhook, CONFIRMATION | {"SubscribeURL": url})).status_code == 200
    assert fresh(webhook).confirm_url == ""


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize(("hours", "status"), [(0, 200), (23, 200), (25, 400)])
def test_a_signature_of_mailgun_that_somebody_kept_signs_nothing_more(
    hours: int, status: int, form: bool, account: Account
) -> None:
    registered(account)
    webhook = make_webhook("mailgun", account)
    content = content_of("mailgun", "delivered")
    content["signature"]["timestamp"] = f"{(now() - timedelta(hours=hours)).timestamp():.0f}"
    made = signed(webhook, content)
    if form:
        fields = json.loads(made.body)["signature"] | {"event": "delivered", "recipient": "ann@example.com"}
        made = Call(urlencode(fields).encode(), "application/x-www-form-urlencoded")
    assert send(webhook, made).status_code == status
    assert fresh(webhook).problem == (calls.STALE if status == 400 else "")


def test_what_somebody_sends_once_more_makes_no_event_and_unsubscribes_nobody(account: Account) -> None:
    registered(account)
    webhook = make_webhook("mailgun", account)
    made = call(webhook, "unsubscribed")
    assert [send(webhook, made).content for _ in range(2)] == [
        b"Recorded.\n",
        b"Acknowledged. Nothing new was recorded.\n",
    ]
    assert fresh(webhook).recorded == 1


def test_nobody_is_called_for_a_confirmation(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even Amazon: what is named there is followed by staff, in their browser."""
    asked: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: asked.append(args))
    webhook = make_webhook("amazon_ses", account)
    for url in (CONFIRMATION["SubscribeURL"], "http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data/"):
        assert send(webhook, sns(webhook, CONFIRMATION | {"SubscribeURL": url})).status_code == 200
    assert not asked
