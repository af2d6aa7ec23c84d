"""Hits as nobody should send them: any bytes where bytes can be, and tokens that are whole, damaged or made up."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote_from_bytes
from uuid import UUID

from django.conf import settings

from tests.tracking.samples import ACCOUNT
from tracking.ids import new_id
from tracking.tokens import Keyring, Link, sign_click, sign_open, sign_unsubscribe

MARKER = "xMARKERx"
"""Stands in what a client sends with its hit; so it must stand in no log."""
STRANGERS_KEYS = Keyring({1: b"x" * 32}, current=1)

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Attack:
    """A request. `message` is the one that it is a hit on; None where it must not count as any."""

    method: str
    path: bytes
    query: bytes
    headers: tuple[Header, ...]
    message: UUID | None
    body: bytes = b""

    @property
    def raw(self) -> bytes:
        """The request on the wire, as the last one of its connection; a hit is HTTP as far as it goes."""
        query = quote_from_bytes(self.query).encode() if self.message else self.query
        lines = [b"%b %b?%b HTTP/1.1" % (self.method.encode(), self.path, query), b"Host: localhost"]
        lines += [b"%b: %b" % header for header in self.headers if not (self.message and _breaks_http(*header))]
        length = [b"Content-Length: %d" % len(self.body)] if self.body else []
        return b"\r\n".join([*lines, *length, b"Connection: close", b"", self.body])


Damage = Callable[[str, Random], str]
DAMAGES: list[Damage] = [
    lambda path, random: path[: random.randrange(3, len(path) - 4)],
    lambda path, random: path + random.choice(["A", "=", ".gif", "/", "\0", "\u00e9", " "]),
    lambda path, random: {"/o/": "/c/", "/c/": "/u/", "/u/": "/o/"}[path[:3]] + path[3:],
    lambda path, random: path[:3] + path[3:].swapcase(),
    lambda path, random: path[:3] + "../" + path[3:],
    lambda path, random: path[:3] + path,
    lambda path, random: path.replace("/", "//"),
]
METHODS = ["GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "TRACE", "X"]
NAMES = [
    *(b"user-agent", b"referer", b"x-forwarded-for", b"cookie", b"authorization", b"content-length", b"range"),
    *(b"transfer-encoding", b"expect", b"upgrade", b"x-\xff", b"forwarded", b"accept-encoding", b"x-forwarded-proto"),
]
VALUES = [b"\xff" * 3000, b"1.2.3.4, " * 100, b"-1", b"9" * 30, b"chunked", b"[::1%lo]:99999", b"\0", b"a" * 9000, b""]
FORM = (b"content-type", b"application/x-www-form-urlencoded")
PRESSED = b"List-Unsubscribe=One-Click"
TYPES = [
    FORM[1],
    b"multipart/form-data",
    b"multipart/form-data; boundary=x",
    b"multipart/form-data; boundary=\xff\0",
    b"",
]
CHARACTERS = "a/?#[]@!$&'()*+,;=%é\u00df\u202e\u0130\u4f60📬\ufffd~^|`{}<>\"."


def _breaks_http(name: bytes, value: bytes) -> bool:
    is_framing = name in (b"content-length", b"transfer-encoding", b"upgrade", b"x-\xff")
    return is_framing or any(byte < 0x20 or byte == 0x7F for byte in value)


def attack_from(random: Random) -> Attack:
    """One attack: a third of them are whole hits in bad company."""
    message, query = new_id(), random.randbytes(random.randrange(12))
    headers = tuple(_header(random) for _ in range(random.randrange(4)))
    kind, method = random.randrange(12), random.choice(METHODS)
    if kind < 4:
        return _hit(_whole(random, settings.TRACKING_KEYS, message), query, headers, message)
    if method == "POST":
        headers = ((b"content-type", random.choice(TYPES)), *headers)
    body = (
        random.choice([PRESSED, random.randbytes(60), b"--x\r\n" + random.randbytes(60)]) if method == "POST" else b""
    )
    if kind < 8:
        damaged = random.choice(DAMAGES)(_whole(random, settings.TRACKING_KEYS, message), random)
        return Attack(method, damaged.encode(), query, headers, None, body)
    if kind < 9:
        return Attack(method, _whole(random, STRANGERS_KEYS, message).encode(), query, headers, None, body)
    made_up = random.randbytes(random.randrange(30))
    start = random.choice([b"/o/", b"/c/", b"/u/"]) if kind < 11 else b"/"
    return Attack(method, start + made_up, query, headers, None, body)


def _hit(path: str, query: bytes, headers: tuple[Header, ...], message: UUID) -> Attack:
    if path.startswith("/u/"):
        return Attack("POST", path.encode(), query, (FORM, *headers), message, PRESSED)
    return Attack("GET", path.encode(), query, headers, message)


def _whole(random: Random, keyring: Keyring, message: UUID) -> str:
    kind = random.randrange(5)
    if kind < 2:
        return f"/o/{sign_open(Link(ACCOUNT, message, 0), keyring)}.gif"
    if kind < 3:
        return f"/u/{sign_unsubscribe(Link(ACCOUNT, message, 0), keyring)}"
    text = "".join(random.choice(CHARACTERS) for _ in range(random.randrange(20)))
    target = f"https://example.com/{MARKER}/{text}"
    return f"/c/{sign_click(Link(ACCOUNT, message, random.randrange(1, 1000), target), keyring)}"


def _header(random: Random) -> Header:
    value = random.choice(VALUES) if random.random() < 0.5 else random.randbytes(random.randrange(40))
    return random.choice(NAMES), value + MARKER.encode()
