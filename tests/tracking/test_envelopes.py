from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracking.test_tokens import KEYRING, NOW
from tracking.envelopes import Envelope, read_envelope, sign_envelope
from tracking.tokens import BadToken, Keyring, Link, RetiredKey, sign_open

MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ENVELOPE = Envelope(7, MESSAGE)
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

envelopes = st.builds(Envelope, st.integers(0, 2**64 - 1), st.uuids())


@given(envelopes)
def test_an_address_names_the_message_that_it_was_signed_for(envelope: Envelope) -> None:
    assert read_envelope(sign_envelope(envelope, KEYRING, "bounce.example.com"), KEYRING, NOW) == envelope


@given(envelopes)
def test_an_address_fits_any_mail_server(envelope: Envelope) -> None:
    local, domain = sign_envelope(envelope, KEYRING, "bounce.example.com").split("@")
    assert domain == "bounce.example.com"
    assert len(local) <= 64
    assert set(local.removeprefix("b-")) <= set(LETTERS)


@given(envelopes, st.data())
def test_the_case_of_letters_is_of_no_matter(envelope: Envelope, data: st.DataObject) -> None:
    address = sign_envelope(envelope, KEYRING, "bounce.example.com")
    mixed = "".join(data.draw(st.sampled_from([each.lower(), each.upper()])) for each in address)
    assert read_envelope(mixed, KEYRING, NOW) == envelope


def test_the_domain_is_whoevers_it_came_through() -> None:
    address = sign_envelope(ENVELOPE, KEYRING, "bounce.example.com")
    assert read_envelope(address.replace("bounce.example.com", "[192.0.2.1]"), KEYRING, NOW) == ENVELOPE


@given(envelopes, st.data())
def test_an_address_with_any_character_changed_is_refused(envelope: Envelope, data: st.DataObject) -> None:
    local, domain = sign_envelope(envelope, KEYRING, "bounce.example.com").split("@")
    place = data.draw(st.integers(2, len(local) - 1))
    other = data.draw(st.sampled_from([each for each in LETTERS if each != local[place]]))
    with pytest.raises(BadToken):
        read_envelope(f"{local[:place]}{other}{local[place + 1 :]}@{domain}", KEYRING, NOW)


@given(st.text() | st.text(alphabet=LETTERS + "@-b=", max_size=80).map("b-".__add__))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        read_envelope(text, KEYRING, NOW)


@pytest.mark.parametrize(
    "text", ["", "@", "b-@example.com", "ann@example.com", "ß@example.com", "b-" + "a" * 58 + "@x"]
)
def test_an_address_of_somebody_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        read_envelope(text, KEYRING, NOW)


def test_a_token_of_a_link_is_no_envelope() -> None:
    with pytest.raises(BadToken):
        read_envelope(f"b-{sign_open(Link(7, MESSAGE, 0), KEYRING)}@example.com", KEYRING, NOW)


def test_old_keys_read_until_the_day_that_they_retire() -> None:
    address = sign_envelope(ENVELOPE, Keyring({1: b"a" * 32}, current=1), "example.com")
    assert read_envelope(address, KEYRING, NOW) == ENVELOPE
    retired = Keyring.parse(f"2:{'Yg' * 32}, 1:{'YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE='}@2026-01-01")
    with pytest.raises(RetiredKey):
        read_envelope(address, retired, NOW)


def test_another_key_of_the_same_number_reads_nothing() -> None:
    address = sign_envelope(ENVELOPE, KEYRING, "example.com")
    with pytest.raises(BadToken, match=r"^forged$"):
        read_envelope(address, Keyring({2: b"c" * 64}, current=2), NOW)


def test_an_account_that_no_address_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="account's number"):
        sign_envelope(Envelope(2**64, MESSAGE), KEYRING, "example.com")
