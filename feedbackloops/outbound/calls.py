"""What goes out and what comes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from feedbackloops.protocol.certificates import TlsFault
from feedbackloops.protocol.outcome import Reply

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer, head and body together, after which reading stops."""
HEAD_KEPT = 2000
"""Characters of an answer's head that are kept where it is no success."""
KEPT = 1024
"""Bytes of an answer's body that are kept."""


@dataclass(slots=True, eq=False)
class Call:
    """One request: POST with `body`, GET where it is None. `url` is one that protocol.place accepts.

    `deadline` bounds all of it, look-up of the name to last byte, `connect_timeout` the connection with its TLS
    handshake; both in seconds. The first `keep` bytes of the answer's body are kept; with `keep_head` its head as well,
    though it is a success. `may_start` is asked in the sender's thread right before the call leaves. One that
    `can_wait` leaves behind those that can't. With `wants_certificate` the answer has the server's. `loop` and `tag`
    are the caller's own.

    Raises ValueError for a header that is not ASCII or holds a line break or NUL: it would smuggle in another header.
    """

    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    loop: int = 0
    deadline: float = 15.0
    connect_timeout: float = 5.0
    keep: int = KEPT
    keep_head: bool = False
    tag: Any = None
    may_start: Callable[[], bool] | None = None
    can_wait: bool = False
    wants_certificate: bool = False

    def __post_init__(self) -> None:
        text = "".join(chain.from_iterable(self.headers))
        if not text.isascii() or "\n" in text or "\r" in text or "\0" in text:
            raise ValueError("a header of the call holds a line break, a NUL or something that is not ASCII")


class Timings(NamedTuple):
    """Seconds that each step took, 0 for a step that was not needed or not reached.

    `first_byte` is the wait for the answer once connected; `total` runs from the submission to the end.
    """

    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    total: float = 0.0


_NO_TIME = Timings()


@dataclass(slots=True)
class Answer(Reply):
    """What became of a call.

    `started` is False where nothing left this machine for a reason that has nothing to do with the place called: such
    a call is no attempt. `address` is the one connected to. `body` is its kept part, `truncated` where there was more.
    `head` has the status line and the headers of an answer that is no success, or whose head was to be kept, but for
    cookies, as text. `certificate` is the server's own in PEM, where the call wanted it and the server showed one,
    `tls_fault` why it was refused.
    """

    started: bool = True
    address: str = ""
    body: bytes = b""
    truncated: bool = False
    head: str = ""
    timings: Timings = _NO_TIME
    certificate: bytes = b""
    tls_fault: TlsFault | None = None
