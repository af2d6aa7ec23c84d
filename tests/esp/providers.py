"""ESPs that call us: what they send (calls/*.json, in the form of each), signed or logged in as each does it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from standardwebhooks import Webhook as Signer

from esp.models import Webhook
from profiles.models import Account
from tests.factories import make_account, make_message
from tracking.models import Message

CALLS = Path(__file__).parent / "calls"
# What the metadata in the calls names: registered at 9:30:05, so that the events of 9:30:10 are later.
MESSAGE = UUID("01a1a0be-8d48-7d44-9a31-7c2f10b4e5d6")
REGISTERED = datetime(2026, 11, 3, 9, 30, 5, tzinfo=UTC)
HAPPENED = datetime(2026, 11, 3, 9, 30, 10, tzinfo=UTC)
# What those calls know it by that have no metadata.
ESP_IDS = {
    "amazon_ses": "0100019f7341d2c8-9a483358-9170-4cb4-a269-f5dcdf415321-000000",
    "brevo": "<202611030930.12345678901@smtp-relay.mailin.fr>",
    "resend": "56761188-7520-42d8-8898-ff6fc54ce618",
    "mailersend": "62f114f7165fe0d8db0288e1",
    "postal": "233843",
}


class Call(NamedTuple):
    """One request of an ESP."""

    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = {}


@cache
def _elliptic() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _public(key: Any) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


KEYS: dict[str, Callable[[], str]] = {
    "mailersend": lambda: "mailersend-signing-secret",
    "mailgun": lambda: "key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
    "mailtrap": lambda: "d9f8c7b6a5e4d3c2b1a0f9e8d7c6b5a4",
    "mandrill": lambda: "ANoCfZJ9yMqZ3BmNdjK7Ag",
    "postal": lambda: _public(_rsa()),
    "resend": lambda: f"whsec_{base64.b64encode(b'resend-signing-secret-24').decode()}",
    "sendgrid": lambda: _public(_elliptic()),
    "unisender_go": lambda: "6ehdbcdfz4u7m6o7p8q9",
}


def make_webhook(esp: str, account: Account | None = None, **values: Any) -> Webhook:
    key = KEYS[esp]() if esp in KEYS else ""
    return Webhook.objects.create(account=account or make_account(), esp=esp, **{"signing_key": key} | values)


def registered(account: Account, **values: Any) -> Message:
    """The message that the calls are about."""
    return make_message(account=account, id=MESSAGE, created=REGISTERED, **values)


def names(esp: str) -> list[str]:
    return list(_calls(esp))


def every_call() -> list[tuple[str, str]]:
    return [(path.stem, name) for path in sorted(CALLS.glob("*.json")) for name in names(path.stem)]


def call(webhook: Webhook, name: str) -> Call:
    """The call of this name, as the ESP of this webhook makes it."""
    return signed(webhook, content_of(webhook.esp, name))


def content_of(esp: str, name: str) -> Any:
    """What a call says, to be changed."""
    content = deepcopy(_calls(esp)[name])
    if esp == "mailgun":
        content["signature"]["timestamp"] = f"{datetime.now(UTC).timestamp():.0f}"
    return content


def signed(webhook: Webhook, told: Any) -> Call:
    """A call that tells this, as the ESP of this webhook makes it."""
    return _SIGNED.get(webhook.esp, _logged_in)(webhook, deepcopy(told))


def send(webhook: Webhook, made: Call | str, client: Client | None = None) -> Any:
    """Make the call; the response."""
    made = call(webhook, made) if isinstance(made, str) else made
    client = client or Client(raise_request_exception=False)
    return client.generic("POST", webhook.path, made.body, made.content_type, headers=made.headers)


@cache
def _calls(esp: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((CALLS / f"{esp}.json").read_text())
    return told


def login(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def _logged_in(webhook: Webhook, told: Any) -> Call:
    return Call(json.dumps(told).encode(), headers=login(webhook.login))


def _amazon_ses(webhook: Webhook, told: Any) -> Call:
    return sns(webhook, {"Type": "Notification", "Subject": "Amazon SES Email Event Notification"}, told)


def sns(webhook: Webhook, message: dict[str, Any], told: Any = None) -> Call:
    """As SNS sends it: JSON in a text, within JSON that calls itself a text."""
    whole = {
        "MessageId": "19ba9823-d7f2-53c1-860e-cb10e0d13dfc",
        "TopicArn": "arn:aws:sns:us-east-1:888888888888:SES_Events",
        "Message": json.dumps(told) + "\n",
        "Timestamp": "2026-11-03T09:30:10.675Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLEw6JRN",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-12345abcde.pem",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1",
    } | message
    headers = {"x-amz-sns-message-type": whole["Type"], "x-amz-sns-message-id": whole["MessageId"]}
    return Call(json.dumps(whole).encode(), "text/plain; charset=UTF-8", headers | login(webhook.login))


def _mailgun(webhook: Webhook, told: Any) -> Call:
    block = told["signature"]
    said = f"{block['timestamp']}{block['token']}".encode()
    block["signature"] = hmac.new(webhook.signing_key.encode(), said, hashlib.sha256).hexdigest()
    return Call(json.dumps(told).encode())


def _mandrill(webhook: Webhook, told: Any) -> Call:
    events = json.dumps(told)
    said = f"{webhook.url}mandrill_events{events}".encode()
    signature = base64.b64encode(hmac.new(webhook.signing_key.encode(), said, hashlib.sha1).digest()).decode()
    form = urlencode({"mandrill_events": events}).encode()
    return Call(form, "application/x-www-form-urlencoded", {"X-Mandrill-Signature": signature})


def _by_header(header: str) -> Callable[[Webhook, Any], Call]:
    def make(webhook: Webhook, told: Any) -> Call:
        body = json.dumps(told).encode()
        return Call(body, headers={header: hmac.new(webhook.signing_key.encode(), body, hashlib.sha256).hexdigest()})

    return make


def _postal(webhook: Webhook, told: Any) -> Call:
    body = json.dumps(told).encode()
    signature = base64.b64encode(_rsa().sign(body, padding.PKCS1v15(), SHA1())).decode()
    return Call(body, headers={"X-Postal-Signature": signature})


def _resend(webhook: Webhook, told: Any) -> Call:
    body, moment = json.dumps(told), datetime.now(UTC).replace(microsecond=0)
    signature = Signer(webhook.signing_key).sign("msg_2W2D3qXLS5fOaPja1GDg7rF2CwB", moment, body)
    headers = {
        "id": "msg_2W2D3qXLS5fOaPja1GDg7rF2CwB",
        "timestamp": f"{moment.timestamp():.0f}",
        "signature": signature,
    }
    return Call(body.encode(), headers={f"svix-{name}": value for name, value in headers.items()})


def _sendgrid(webhook: Webhook, told: Any) -> Call:
    body = json.dumps(told).encode()
    signature = base64.b64encode(_elliptic().sign(b"1793698211" + body, ec.ECDSA(SHA256()))).decode()
    prefix = "X-Twilio-Email-Event-Webhook"
    return Call(body, headers={f"{prefix}-Signature": signature, f"{prefix}-Timestamp": "1793698211"})


def _unisender_go(webhook: Webhook, told: Any) -> Call:
    body = json.dumps(told)
    with_key = body.replace(told["auth"], webhook.signing_key).encode()
    return Call(body.replace(told["auth"], hashlib.md5(with_key).hexdigest()).encode())


_SIGNED: dict[str, Callable[[Webhook, Any], Call]] = {
    "amazon_ses": _amazon_ses,
    "mailersend": _by_header("Signature"),
    "mailgun": _mailgun,
    "mailtrap": _by_header("Mailtrap-Signature"),
    "mandrill": _mandrill,
    "postal": _postal,
    "resend": _resend,
    "sendgrid": _sendgrid,
    "unisender_go": _unisender_go,
}
