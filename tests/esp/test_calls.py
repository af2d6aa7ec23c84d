"""ESPs that call, and others: who is let in, what they are answered, and what staff see of it."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from esp import calls, taking
from esp.models import Webhook
from profiles.models import Account
from tests.esp.providers import Call, call, content_of, every_call, login, make_webhook, registered, send, signed
from tests.factories import make_account
from tracking.models import Event

pytestmark = pytest.mark.django_db
BASIC = ["amazon_ses", "brevo", "mailjet", "postmark", "sparkpost"]
ESPS = sorted({esp for esp, _ in every_call()})


@pytest.fixture
def account() -> Account:
    return make_account()


def first_name(esp: str) -> str:
    return next(name for each, name in every_call() if each == esp)


def fresh(webhook: Webhook) -> Webhook:
    webhook.refresh_from_db()
    return webhook


@pytest.mark.parametrize("esp", ESPS)
def test_a_call_of_the_esp_is_recorded_and_counted(esp: str, account: Account) -> None:
    registered(account, esp_message_id="62f114f7165fe0d8db0288e1" if esp == "mailersend" else "233843")
    webhook = make_webhook(esp, account)
    response = send(webhook, first_name(esp))
    assert (response.status_code, response.content) == (200, b"Recorded.\n")
    assert response.headers["Cache-Control"] == "no-store"
    assert "sessionid" not in response.cookies
    webhook = fresh(webhook)
    assert (webhook.recorded, webhook.unknown, webhook.problem) == (Event.objects.count(), 0, "")
    assert webhook.recorded
    assert webhook.last_call


@pytest.mark.parametrize("esp", ESPS)
def test_a_call_of_anybody_else_is_refused_and_tells_staff_what_to_do(esp: str, account: Account) -> None:
    registered(account)
    webhook = make_webhook(esp, account)
    made = call(webhook, first_name(esp))
    body = made.body.replace(b"ann@example.com", b"eve@example.com").replace(b"ann%40", b"eve%40")
    spoiled = Call(body, made.content_type, made.headers) if esp not in (*BASIC, "mailgun") else made
    if esp in BASIC:
        spoiled = Call(made.body, made.content_type, {**made.headers, **login("suite:wrong")})
    if esp == "mailgun":
        spoiled = Call(made.body.replace(b'"timestamp": "', b'"timestamp": "1'), made.content_type)
    response = send(webhook, spoiled)
    assert response.status_code == (401 if esp in BASIC else 400)
    assert ("WWW-Authenticate" in response.headers) == (esp in BASIC)
    told = response.content.decode() + fresh(webhook).problem
    assert webhook.problem in (calls.NO_LOGIN, calls.BAD_SIGNATURE)
    assert not [secret for secret in (webhook.password, webhook.signing_key) if secret and secret in told]
    assert (webhook.last_call, webhook.recorded, Event.objects.count()) == (None, 0, 0)


@pytest.mark.parametrize("esp", ESPS)
def test_a_call_without_any_proof_is_refused(esp: str, account: Account) -> None:
    webhook = make_webhook(esp, account)
    made = call(webhook, first_name(esp))
    headers = {name: value for name, value in made.headers.items() if name.startswith("x-amz")}
    body = made.body if esp != "mailgun" else json.dumps({"event-data": {}}).encode()
    body = body.replace(b'"auth"', b'"auht"')
    assert send(webhook, Call(body, made.content_type, headers)).status_code in (400, 401)
    assert not Event.objects.exists()


def test_the_login_of_one_webhook_opens_no_other(account: Account) -> None:
    ours, others = make_webhook("postmark", account), make_webhook("postmark")
    assert send(ours, call(others, "delivery")).status_code == 401
    assert send(ours, call(ours, "delivery")).status_code == 200


def test_a_webhook_whose_key_is_still_missing_has_the_esp_come_again(account: Account) -> None:
    registered(account)
    webhook = make_webhook("mandrill", account)
    made = call(webhook, "spam, unsub and click")
    Webhook.objects.update(signing_key="")
    response = send(webhook, made)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert fresh(webhook).problem == calls.NO_KEY
    Webhook.objects.filter(pk=webhook.pk).update(signing_key="none of Postal's", esp="postal")
    assert send(fresh(webhook), made).status_code in (400, 503)
    assert not Event.objects.exists()


def test_while_the_database_is_away_the_esp_is_asked_to_come_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(account)
    webhook = make_webhook("postmark", account)

    def away(*args: Any) -> None:
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as patched:
        patched.setattr(taking, "record_reports", away)
        response = send(webhook, "delivery")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        assert b"closed" not in response.content
    assert (fresh(webhook).recorded, webhook.last_call) == (0, None)
    assert send(webhook, "delivery").status_code == 200
    assert fresh(webhook).recorded == 1


def test_what_nobody_thought_of_on_our_side_has_the_esp_come_again(
    account: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = make_webhook("postmark", account)
    monkeypatch.setattr(calls, "take", lambda *args: 1 / 0)
    response = send(webhook, "delivery")
    assert (response.status_code, b"division" in response.content) == (503, False)
    assert "A call of an ESP failed." in caplog.text


HOSTILE: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[null]",
    b'"text"',
    b"1e999",
    b"\xff\xfe",
    b"{" * 50_000,
    b"[" * 50_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"event": {}, "RecordType": [], "events": 7, "items": 1, "timestamp": "x", "msys": {}}',
    b'[{"event": [], "timestamp": 1e300, "msys": {"message_event": 3}}]',
    b'[{"event": "bounce", "timestamp": 1e300, "MessageID": {}, "email": [], "time": {}}]',
    b'{"Type": "Notification", "Message": "{\\"eventType\\": []}"}',
    b'{"Type": "Notification", "Message": 7}',
    b"mandrill_events=%5B1%5D",
]


@pytest.mark.parametrize("esp", ESPS)
def test_no_nonsense_is_our_mistake(esp: str, account: Account) -> None:
    """Also where it is signed, as it is by an ESP whose customers write what it passes on."""
    webhook = make_webhook(esp, account)
    for body in HOSTILE:
        for made in _signed_nonsense(webhook, body):
            response = send(webhook, made)
            assert response.status_code in (200, 400, 401), (esp, body[:50], response.content)
    assert not Event.objects.exists()


def _signed_nonsense(webhook: Webhook, body: bytes) -> list[Call]:
    headers = {"x-amz-sns-message-type": "Notification", **login(webhook.login)}
    made = [Call(body, "application/json", headers), Call(body, "application/x-www-form-urlencoded", headers)]
    try:
        content = json.loads(body)
        made.append(signed(webhook, content))
        made.append(Call(signed(webhook, content).body, "multipart/form-data", signed(webhook, content).headers))
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    return made


def test_a_call_that_is_none_of_this_esp_is_told_to_staff(account: Account) -> None:
    webhook = make_webhook("sparkpost", account)
    assert send(webhook, signed(webhook, {"event": "delivered"})).status_code == 400
    assert fresh(webhook).problem == calls.NOT_UNDERSTOOD
    inbound = [{"msys": {"relay_message": {"content": {"email_rfc822": "Subject: hi"}}}}]
    assert send(webhook, signed(webhook, inbound)).status_code == 400
    assert fresh(webhook).problem == calls.INBOUND


@pytest.mark.parametrize(
    ("esp", "name", "odd"),
    [
        ("sparkpost", "bounce and delay", {"msys": {"message_event": {"type": []}}}),
        ("sendgrid", "dropped", {"event": "bounce", "timestamp": "soon"}),
        ("mailjet", "sent, in a group", {"event": "sent", "time": []}),
        ("mandrill", "spam, unsub and click", {"event": "spam", "msg": [], "ts": 1}),
        ("mandrill", "spam, unsub and click", {"event": "inbound", "ts": 1, "msg": {"raw_msg": 7}}),
        ("mailtrap", "bounce and click", None),
        ("mailtrap", "bounce and click", {"event": []}),
        ("mailtrap", "bounce and click", {"event": "inbound.message_received"}),
        ("unisender_go", "hard bounced", {"event_name": "transactional_email_status"}),
    ],
)
def test_an_event_that_nobody_thought_of_does_not_keep_the_others_of_its_call_out(
    esp: str, name: str, odd: Any, account: Account
) -> None:
    registered(account, tracked=False)
    webhook = make_webhook(esp, account)
    content = content_of(esp, name)
    events = content
    for key in {"mailtrap": ("events",), "unisender_go": ("events_by_user", 0, "events")}.get(esp, ()):
        events = events[key]
    events.insert(0, odd)
    assert send(webhook, signed(webhook, content)).status_code == 200
    assert (fresh(webhook).unusable, webhook.problem) == (1, taking.UNREADABLE)
    assert webhook.recorded == Event.objects.count() >= 1


def test_a_problem_that_goes_on_is_written_once_a_minute(account: Account, django_assert_max_num_queries: Any) -> None:
    webhook = make_webhook("postmark", account)
    for _ in range(2):
        assert send(webhook, Call(b"{}")).status_code == 401
        first = fresh(webhook).problem_since
        assert send(webhook, Call(b"{}")).status_code == 401
        assert fresh(webhook).problem_since == first


def test_events_of_mails_that_we_do_not_know_are_acknowledged_and_counted(account: Account) -> None:
    webhook = make_webhook("sparkpost", account)
    response = send(webhook, "bounce and delay")
    assert (response.status_code, response.content) == (200, b"Acknowledged. Nothing new was recorded.\n")
    assert send(webhook, "open and click").status_code == 200
    assert (fresh(webhook).recorded, webhook.unknown) == (0, 4)


def test_what_can_not_be_kept_is_counted_and_told(account: Account) -> None:
    registered(account, tracked=False)
    webhook = make_webhook("mailgun", account)
    send(webhook, "clicked")
    webhook_of_no_url = make_webhook("postmark", account)
    made = call(webhook_of_no_url, "click")
    send(
        webhook_of_no_url,
        Call(made.body.replace(b"https://shop.example.com", b"nowhere"), made.content_type, made.headers),
    )
    assert fresh(webhook).unusable == 0
    assert fresh(webhook_of_no_url).unusable == 1
    assert webhook_of_no_url.problem.startswith("An event of the type click can't be kept.")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_asks_whether_anybody_is_there_is_told_so(method: str, account: Account) -> None:
    webhook = make_webhook("mandrill", account, signing_key="")
    response = Client().generic(method, webhook.path)
    assert response.status_code == 200
    assert fresh(webhook).last_call is None
