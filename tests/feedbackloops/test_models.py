from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from feedbackloops.models import FeedbackLoop
from feedbackloops.models.loops import validate_private_key
from feedbackloops.protocol.signing import generate_rsa_key
from tests.factories import make_account, make_loop, make_verified_loop

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "values",
    [
        {"status": "asleep"},
        {"body_format": "xml"},
        {"in_flight_limit": 0},
        {"in_flight_limit": 1001},
        {"rate_limit": 0},
        {"event_types": []},
        {"event_types": ["open", "party"]},
    ],
)
def test_the_database_refuses_what_no_loop_can_be(values: dict[str, Any]) -> None:
    loop = make_loop(make_account())

    with pytest.raises(IntegrityError):
        FeedbackLoop.objects.filter(pk=loop.pk).update(**values)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "https:///script.php",
        "https://user:password@example.com/",
        "https://example.com/\0",
        "https://example.com/" + "a" * 5000,
        "javascript:alert(1)",
        "",
    ],
)
def test_a_url_that_can_not_be_called_is_not_saved(url: str) -> None:
    with pytest.raises(ValidationError):
        make_loop(make_account(), url=url)


@pytest.mark.parametrize(
    ("url", "still_verified"),
    [
        ("https://example.com/hooks/other.php?a=b", True),
        ("https://EXAMPLE.com:443/hooks/script.php", True),
        ("http://example.com/hooks/script.php", False),
        ("https://www.example.com/hooks/script.php", False),
        ("https://example.com:8443/hooks/script.php", False),
        ("https://example.com/script.php", False),
    ],
)
def test_a_change_of_place_has_to_be_verified_again(url: str, still_verified: bool) -> None:
    loop = make_verified_loop(make_account())
    loop.url = url
    loop.save(update_fields=["url"])

    loop.refresh_from_db()

    assert loop.is_verified is still_verified


def test_going_back_to_the_verified_place_needs_no_new_proof() -> None:
    loop = make_verified_loop(make_account())
    home = loop.url
    for url in ("https://elsewhere.example/", home):
        loop.url = url
        loop.save()

    assert loop.is_verified


def test_each_loop_has_a_file_and_a_secret_of_its_own() -> None:
    account = make_account()
    first, second = make_loop(account), make_loop(account)

    assert first.verification_file != second.verification_file
    assert first.verification_file.startswith("marketingsuite-")
    assert first.verification_content != second.verification_content
    assert first.secret != second.secret


@pytest.mark.parametrize(("key", "key_id"), [("key", ""), ("", "ms._domainkey.example.com")])
def test_an_rsa_key_and_its_id_go_together(key: str, key_id: str) -> None:
    loop = make_loop(make_account())
    loop.rsa_private_key, loop.rsa_key_id = key and generate_rsa_key(), key_id

    with pytest.raises(ValidationError, match="go together"):
        loop.full_clean()


def test_a_private_key_that_is_none_is_refused_in_words() -> None:
    loop = make_loop(make_account())
    loop.rsa_private_key, loop.rsa_key_id = "-----BEGIN nothing", "ms._domainkey.example.com"

    with pytest.raises(ValidationError, match="2048 to 4096 bits"):
        loop.full_clean()


@pytest.mark.parametrize("key_id", ["my key.example.com", 'k"ey', "schlüssel.example"])
def test_a_key_id_that_no_header_can_hold_is_refused_in_words(key_id: str) -> None:
    loop = make_loop(make_account())
    loop.rsa_private_key, loop.rsa_key_id = generate_rsa_key(), key_id

    with pytest.raises(ValidationError, match="DNS name of the TXT record"):
        loop.full_clean()


def test_a_key_that_is_too_weak_is_refused() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    pem = weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    with pytest.raises(ValidationError, match="2048"):
        validate_private_key(pem)
