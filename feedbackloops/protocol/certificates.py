"""What a server's certificate says, and what can be wrong with it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cryptography import x509
from cryptography.x509.oid import NameOID

from .outcome import shown

MOST_NAMES = 10
"""Names of a certificate that are kept; some have hundreds."""
_LONGEST = 120


class TlsFault(enum.StrEnum):
    """Why a secure connection did not come about."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    SELF_SIGNED = "self-signed"
    UNKNOWN_ISSUER = "unknown issuer"
    OTHER = "other"


# OpenSSL's results of a verification (x509_vfy.h). Where the name alone is wrong, libcurl leaves the general ones.
_FAULTS = {
    0: TlsFault.WRONG_NAME,
    1: TlsFault.WRONG_NAME,
    2: TlsFault.UNKNOWN_ISSUER,
    9: TlsFault.NOT_YET_VALID,
    10: TlsFault.EXPIRED,
    18: TlsFault.SELF_SIGNED,
    19: TlsFault.UNKNOWN_ISSUER,
    20: TlsFault.UNKNOWN_ISSUER,
    21: TlsFault.UNKNOWN_ISSUER,
    62: TlsFault.WRONG_NAME,
    64: TlsFault.WRONG_NAME,
}


def tls_fault(verify_result: int, has_certificate: bool) -> TlsFault:
    """Why a certificate was refused, by OpenSSL's result; without one, the handshake failed before there was any."""
    return _FAULTS.get(verify_result, TlsFault.OTHER) if has_certificate else TlsFault.OTHER


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate in a few words; the texts are as the server gave them, on one line and cut."""

    issuer: str
    names: tuple[str, ...]
    begins: datetime
    ends: datetime

    def as_data(self) -> dict[str, Any]:
        """As JSON holds it."""
        moments = {"begins": self.begins.isoformat(), "ends": self.ends.isoformat()}
        return {"issuer": self.issuer, "names": list(self.names), **moments}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Back from what `as_data` made of it."""
        moments = datetime.fromisoformat(data["begins"]), datetime.fromisoformat(data["ends"])
        return cls(data["issuer"], tuple(data["names"]), *moments)


def read_certificate(pem: bytes) -> Certificate | None:
    """Read a certificate (RFC 5280) in PEM; None for what cannot be read as one."""
    try:
        read = x509.load_pem_x509_certificate(pem)
        issuer = _name(read.issuer, NameOID.ORGANIZATION_NAME) or _name(read.issuer, NameOID.COMMON_NAME)
        return Certificate(issuer, _names(read), read.not_valid_before_utc, read.not_valid_after_utc)
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _names(read: x509.Certificate) -> tuple[str, ...]:
    try:
        known = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = _name(read.subject, NameOID.COMMON_NAME)
        return (common,) if common else ()
    names = [*known.get_values_for_type(x509.DNSName), *map(str, known.get_values_for_type(x509.IPAddress))]
    return tuple(shown(name, _LONGEST) for name in names[:MOST_NAMES])


def _name(name: x509.Name, part: x509.ObjectIdentifier) -> str:
    return next((shown(str(each.value), _LONGEST) for each in name.get_attributes_for_oid(part)), "")
