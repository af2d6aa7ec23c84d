"""What one look for a verification file saw, from the name of the server to the first bytes of its answer."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from .certificates import Certificate, TlsFault
from .challenge import Problem
from .outcome import ErrorKind
from .place import Target, parse


class NameFault(enum.StrEnum):
    """Why the name of a server gave no address."""

    UNKNOWN = "unknown"
    """There is no such name."""
    NO_ADDRESS = "no address"
    """The name is there, and has none."""
    INVALID = "invalid"
    """It can be no name."""
    FAILED = "failed"
    """Its name servers said that they can't, or won't, answer."""
    SILENT = "silent"
    """Its name servers said nothing in time, or can't be reached."""


class Station(enum.StrEnum):
    """Where a look passes by on its way, in this order."""

    NAME = "name"
    ADDRESS = "address"
    CONNECTION = "connection"
    CERTIFICATE = "certificate"
    ANSWER = "answer"
    CONTENT = "content"


class Known(NamedTuple):
    """An address that a name leads to, and why it is never called: a clause, empty for one that may be."""

    address: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look at `url` saw. `expected` is the content that the file should have.

    `address` is the one that was called last, `detail` a clause on the error; `connected` and `secured` tell how far a
    connection had come. The first bytes of the answer are in `body`, `truncated` where it went on.
    """

    url: str
    expected: bytes
    problem: Problem
    looked: datetime
    known: tuple[Known, ...] = ()
    name_fault: NameFault | None = None
    address: str = ""
    connected: bool = False
    secured: bool = False
    certificate: Certificate | None = None
    tls_fault: TlsFault | None = None
    error: ErrorKind | None = None
    detail: str = ""
    status: int = 0
    redirect: str = ""
    body: bytes = b""
    truncated: bool = False

    @property
    def target(self) -> Target:
        """The URL taken apart. Raises ValueError for one that is none."""
        return parse(self.url)

    @property
    def failed_at(self) -> Station | None:
        """Where the look came to its end; None where it found the file."""
        if self.problem is Problem.OK:
            return None
        if self.problem is not Problem.NO_ANSWER:
            return Station.CONTENT if self.status == 200 else Station.ANSWER
        if self.name_fault or self.error is ErrorKind.DNS:
            return Station.NAME
        if self.error is ErrorKind.BLOCKED:
            return Station.ADDRESS
        if self.error is ErrorKind.TLS:
            return Station.CERTIFICATE
        return self._stuck_at()

    def _stuck_at(self) -> Station:
        if not self.connected:
            return Station.CONNECTION
        return Station.ANSWER if self.secured or self.target.scheme == "http" else Station.CERTIFICATE

    def facts(self) -> dict[str, Any]:
        """What no column of its row holds, as JSON."""
        return {
            "known": [list(each) for each in self.known],
            "name_fault": self.name_fault,
            "connected": self.connected,
            "secured": self.secured,
            "certificate": self.certificate and self.certificate.as_data(),
            "tls_fault": self.tls_fault,
            "error": self.error,
            "detail": self.detail,
            "truncated": self.truncated,
        }


def facts_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a Sight that its `facts` hold; none of them in rows that are older than these."""
    if not data:
        return {}
    certificate = data["certificate"]
    return {
        "known": tuple(Known(*each) for each in data["known"]),
        "name_fault": NameFault(data["name_fault"]) if data["name_fault"] else None,
        "connected": data["connected"],
        "secured": data["secured"],
        "certificate": Certificate.from_data(certificate) if certificate else None,
        "tls_fault": TlsFault(data["tls_fault"]) if data["tls_fault"] else None,
        "error": ErrorKind(data["error"]) if data["error"] else None,
        "detail": data["detail"],
        "truncated": data["truncated"],
    }
