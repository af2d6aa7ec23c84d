"""What is read of a server's certificate, also of one that was made to do harm."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from feedbackloops.protocol.certificates import MOST_NAMES, Certificate, TlsFault, read_certificate, tls_fault

BEGINS, ENDS = datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 5, 3, tzinfo=UTC)


def pem(
    subject: str = "example.com", issuer: str = "An authority", names: list[x509.GeneralName] | None = None
) -> bytes:
    """A certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def test_a_certificate_tells_who_issued_it_for_which_names_and_how_long() -> None:
    names: list[x509.GeneralName] = [x509.DNSName("example.com"), x509.IPAddress(ip_address("192.0.2.1"))]
    assert read_certificate(pem(names=names)) == Certificate("An authority", ("example.com", "192.0.2.1"), BEGINS, ENDS)
    assert read_certificate(pem("old.example")) == Certificate("An authority", ("old.example",), BEGINS, ENDS)


def test_a_certificate_of_a_stranger_is_told_on_a_short_line() -> None:
    read = read_certificate(pem("a\u202eb\0c", "evil\x1b[31m\n<b>" + "x" * 40, []))
    assert read == Certificate("evil [31m <b>" + "x" * 40, (), BEGINS, ENDS)
    many = read_certificate(pem(names=[x509.DNSName(f"n{number}.example.com") for number in range(500)]))
    assert many is not None
    assert len(many.names) == MOST_NAMES


@pytest.mark.parametrize("garbage", [b"", b"\0", pem()[:200], pem().replace(b"M", b"!"), b"x" * 100_000])
def test_what_is_no_certificate_is_none(garbage: bytes) -> None:
    assert read_certificate(garbage) is None


def test_a_certificate_comes_back_from_json() -> None:
    read = Certificate("An authority", ("a", "b"), BEGINS, ENDS + timedelta(microseconds=1))
    assert Certificate.from_data(read.as_data()) == read


@pytest.mark.parametrize(
    ("result", "has_certificate", "fault"),
    [
        (10, True, TlsFault.EXPIRED),
        (9, True, TlsFault.NOT_YET_VALID),
        (18, True, TlsFault.SELF_SIGNED),
        (19, True, TlsFault.UNKNOWN_ISSUER),
        (20, True, TlsFault.UNKNOWN_ISSUER),
        (62, True, TlsFault.WRONG_NAME),
        (1, True, TlsFault.WRONG_NAME),
        (7, True, TlsFault.OTHER),
        (0, False, TlsFault.OTHER),
    ],
)
def test_openssl_says_what_is_wrong(result: int, has_certificate: bool, fault: TlsFault) -> None:
    assert tls_fault(result, has_certificate) is fault
