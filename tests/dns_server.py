"""A real name server for tests, on a loopback address only, that answers from a table."""

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

_A, _CNAME, _AAAA = 1, 5, 28
_ANSWERED, _FAILED, _UNKNOWN = 0, 2, 3


@dataclass(slots=True)
class DnsServer:
    """A name server on 127.0.0.1 that answers A and AAAA queries from `table`, with `ttl` seconds to live.

    A name in `aliases` stands for another one (CNAME); a name in `afterwards` has those addresses once its first A
    query is answered. Names in `silent` are never answered, those in `delays` after so many seconds; `failing` names
    get SERVFAIL, names that are not in `table` do not exist. `asked` records the names of the A queries. All may be
    changed while it runs.
    """

    table: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    afterwards: dict[str, list[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    delays: dict[str, float] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    ttl: int = 0
    asked: list[str] = field(default_factory=list)
    port: int = field(init=False)
    _socket: socket.socket = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, asker = self._socket.recvfrom(4096)
            if not query:
                return
            name, end = _read_name(query, 12)
            if query[end : end + 2] == _A.to_bytes(2, "big"):
                self.asked.append(name)
            if name not in self.silent:
                timer = threading.Timer(self.delays.get(name, 0.0), self._answer, (query, asker))
                timer.daemon = True
                timer.start()

    def _answer(self, query: bytes, asker: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(self._message(query), asker)

    def _message(self, query: bytes) -> bytes:
        """Build the answer (RFC 1035, section 4) to a query with one question."""
        name, end = _read_name(query, 12)
        kind = int.from_bytes(query[end : end + 2], "big")
        records = []
        while alias := self.aliases.get(name):
            records.append(self._record(name, _CNAME, _written_name(alias)))
            name = alias
        addresses = [ip_address(address) for address in self.table.get(name, ())]
        wanted = [address.packed for address in addresses if address.version == {_A: 4, _AAAA: 6}.get(kind)]
        records += [self._record(name, kind, packed) for packed in wanted]
        code = _FAILED if name in self.failing else _ANSWERED if name in self.table else _UNKNOWN
        if kind == _A and name in self.afterwards:
            self.table[name] = self.afterwards.pop(name)
        return (
            query[:2]
            + struct.pack(">HHHHH", 0x8580 | code, 1, len(records), 0, 0)
            + b"".join([query[12 : end + 4], *records])
        )

    def _record(self, name: str, kind: int, data: bytes) -> bytes:
        return _written_name(name) + struct.pack(">HHIH", kind, 1, self.ttl, len(data)) + data


def _written_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


def _read_name(message: bytes, start: int) -> tuple[str, int]:
    """Return a name without compression and the offset behind it."""
    labels = []
    while (length := message[start]) > 0:
        labels.append(message[start + 1 : start + 1 + length].decode("ascii").lower())
        start += length + 1
    return ".".join(labels), start + 1
