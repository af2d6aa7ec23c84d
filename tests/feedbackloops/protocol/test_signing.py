"""The headers of a call, checked as a receiver checks them."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from feedbackloops.protocol import signing

OLD, NEW = signing.new_secret(), signing.new_secret()
KEY = signing.generate_rsa_key()
BODY = b"type=open&ip=203.0.113.7"
REQUEST = signing.SignedRequest(
    url="https://example.com/dir/script.php?a=1",
    content_type="application/x-www-form-urlencoded; charset=utf-8",
    body=BODY,
    webhook_id="01890a5d-ac96-774b-bcce-b302099a8057",
    account=17,
    attempt=3,
    secrets=(signing.decode_secret(NEW),),
)
SIGNED = replace(REQUEST, rsa=signing.rsa_signer(KEY, "feedback._domainkey.example.com"))


def test_a_nonce_follows_from_the_attempt_for_who_has_the_secret() -> None:
    secret, other = b"s" * 32, b"t" * 64
    nonces = {signing.nonce_for(key, id) for key in (secret, other) for id in (b"1" * 16, b"2" * 16)}
    assert len(nonces) == 4
    assert {len(nonce) for nonce in nonces} == {len(signing.new_nonce())}
    assert signing.nonce_for(secret, b"1" * 16) in nonces


def headers_of(request: signing.SignedRequest, now: datetime | None = None) -> dict[str, str]:
    """The headers of a call made at `now`; by default at this moment, since receivers refuse old ones."""
    return dict(signing.headers(request, now=now or datetime.now(UTC), nonce="n0nce", user_agent="MarketingSuite/1.0"))


def published_key() -> rsa.RSAPublicKey:
    """Read the TXT record plainly, as published verifiers do."""
    tags = dict(tag.split("=", 1) for tag in signing.dkim_record(KEY).split(";"))
    assert (tags["v"], tags["k"]) == ("DKIM1", "rsa")
    key = load_der_public_key(base64.b64decode(tags["p"], validate=True))
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def verify_cavage(target: str, received: dict[str, str]) -> dict[str, str]:
    """Check a Signature header from nothing but what was received, and return its parameters."""
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', received["Signature"]))
    values = {name.lower(): value for name, value in received.items()} | {"(request-target)": f"post {target}"}
    lines = [f"{name}: {values[name]}" for name in parameters["headers"].split(" ")]
    signature = base64.b64decode(parameters["signature"], validate=True)
    published_key().verify(signature, "\n".join(lines).encode(), padding.PKCS1v15(), SHA256())
    return parameters


def test_an_attempt_carries_every_header_of_the_contract() -> None:
    received = headers_of(REQUEST, datetime(2026, 3, 1, 9, 5, 7, 900_000, tzinfo=UTC))
    assert received.pop("webhook-signature").startswith("v1,")
    assert received == {
        "Host": "example.com",
        "Date": "Sun, 01 Mar 2026 09:05:07 GMT",
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "Content-Length": "24",
        "User-Agent": "MarketingSuite/1.0",
        "webhook-id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "webhook-timestamp": "1772355907",
        "webhook-attempt": "3",
        "Digest": "sha-256=" + base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
        "X-Copernica-ID": "account-17",
        "X-Nonce": "n0nce",
    }


def test_only_a_test_call_says_that_it_is_one() -> None:
    assert "webhook-test" not in headers_of(REQUEST)
    assert headers_of(replace(REQUEST, is_test=True))["webhook-test"] == "1"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com:443/", "example.com"),
        ("http://example.com:443/", "example.com:443"),
        ("http://EXAMPLE.com:8080/", "example.com:8080"),
        ("https://[2001:DB8::1]/", "[2001:db8::1]"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_the_host_header_has_a_port_only_where_it_is_not_the_default(url: str, host: str) -> None:
    assert headers_of(replace(REQUEST, url=url))["Host"] == host


@given(st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)), st.integers(0, 999_999))
def test_the_date_header_is_read_back_as_the_same_second(at: datetime, microsecond: int) -> None:
    date = headers_of(REQUEST, at.replace(microsecond=microsecond))["Date"]
    assert len(date) == 29
    assert parsedate_to_datetime(date) == at


@pytest.mark.parametrize("body", [BODY, b"", '{"fields":{"é":"日"}}'.encode(), b"x" * 100_000])
def test_a_standard_webhooks_receiver_accepts_the_signature(body: bytes) -> None:
    received = headers_of(replace(REQUEST, body=body))
    Webhook(NEW).verify(body, received, json_parse=False)
    assert received["Content-Length"] == str(len(body))


def test_what_was_signed_before_leaves_nothing_behind() -> None:
    bodies = [b"%d" % number * 1000 for number in range(3)]
    for body in (*bodies, *reversed(bodies)):
        Webhook(NEW).verify(body, headers_of(replace(REQUEST, body=body)), json_parse=False)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_during_a_rotation_receivers_with_either_secret_accept(secret: str) -> None:
    both = (signing.decode_secret(NEW), signing.decode_secret(OLD))
    received = headers_of(replace(REQUEST, secrets=both))
    assert len(received["webhook-signature"].split(" ")) == 2
    Webhook(secret).verify(BODY, received, json_parse=False)


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (BODY + b"0", {}),
        (BODY, {"webhook-id": "another"}),
    ],
)
def test_a_receiver_refuses_what_was_changed_on_the_way(body: bytes, changed: dict[str, str]) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body, headers_of(REQUEST) | changed, json_parse=False)


def test_a_receiver_refuses_another_timestamp() -> None:
    received = headers_of(REQUEST)
    received["webhook-timestamp"] = str(int(received["webhook-timestamp"]) + 1)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(NEW).verify(BODY, received, json_parse=False)


def test_the_timestamp_is_right_for_a_clock_in_any_time_zone() -> None:
    now = datetime.now(UTC)
    from_elsewhere = now.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo)
    assert headers_of(REQUEST, from_elsewhere) == headers_of(REQUEST, now)


def test_a_call_without_a_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be signed without a secret"):
        headers_of(replace(REQUEST, secrets=()))


def test_a_call_to_an_unusable_url_is_refused() -> None:
    with pytest.raises(ValueError, match="user name or password"):
        headers_of(replace(REQUEST, url="https://user:pass@example.com/"))


def test_a_verifier_accepts_the_rsa_signature_with_the_published_key() -> None:
    parameters = verify_cavage("/dir/script.php?a=1", headers_of(SIGNED))
    assert parameters["keyId"] == "feedback._domainkey.example.com"
    assert parameters["algorithm"] == "rsa-sha256"
    assert parameters["headers"] == (
        "(request-target) host date content-length content-type x-copernica-id digest x-nonce"
    )


@pytest.mark.parametrize(
    "header", ["Host", "Date", "Content-Length", "Content-Type", "X-Copernica-ID", "Digest", "X-Nonce"]
)
def test_the_rsa_signature_covers_each_header(header: str) -> None:
    received = headers_of(SIGNED)
    received[header] += "0"
    with pytest.raises(InvalidSignature):
        verify_cavage("/dir/script.php?a=1", received)


def test_the_rsa_signature_covers_the_request_target() -> None:
    with pytest.raises(InvalidSignature):
        verify_cavage("/dir/script.php?a=2", headers_of(SIGNED))


def test_there_is_no_rsa_signature_unless_the_loop_asks_for_it() -> None:
    assert "Signature" not in headers_of(REQUEST)


def test_the_dkim_record_has_no_spaces() -> None:
    assert re.fullmatch(r"v=DKIM1;k=rsa;p=[A-Za-z0-9+/]+=*", signing.dkim_record(KEY))


def test_a_new_rsa_key_has_2048_bits() -> None:
    assert published_key().key_size == 2048


def test_new_secrets_differ_and_hold_32_bytes() -> None:
    assert len({OLD, NEW, signing.new_secret()}) == 3
    assert len(signing.decode_secret(NEW)) == 32


def test_new_nonces_differ() -> None:
    assert len({signing.new_nonce() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_YWJj", "whsec_!" + NEW[6:], NEW[6:], "whsec_" + "A" * 128, "whsec_é"]
)
def test_a_bad_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes in base64") as refused:
        signing.decode_secret(secret)
    assert len(secret) < 7 or secret not in str(refused.value)


def other_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("pem", ["", "nonsense", KEY[:200], "\udc80", other_key()])
def test_a_bad_rsa_key_is_refused_without_showing_it(pem: str) -> None:
    with pytest.raises(ValueError, match="not an unencrypted RSA private key") as refused:
        signing.rsa_signer(pem, "key.example.com")
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("key_id", ["", 'a"b', "a b", "a\r\nX: y", "é"])
def test_a_key_id_that_would_break_out_of_the_header_is_refused(key_id: str) -> None:
    with pytest.raises(ValueError, match="DNS name of the TXT record"):
        signing.rsa_signer(KEY, key_id)


def test_no_secret_shows_in_the_representation_of_a_request() -> None:
    shown = repr(SIGNED)
    assert "secrets" not in shown
    assert "RSAPrivateKey" not in shown
    assert repr(BODY) not in shown


def test_a_signature_ages_with_its_timestamp() -> None:
    received = headers_of(REQUEST, datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(NEW).verify(BODY, received, json_parse=False)
