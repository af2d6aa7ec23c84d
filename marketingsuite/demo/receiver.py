"""A customer's script as a small web server: it serves verification files, and takes, checks and tells each POST."""

import hmac
import json
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

from standardwebhooks import Webhook, WebhookVerificationError

from marketingsuite.demo.php_form import parse_form

VALID: Final = "valid"
INVALID: Final = "INVALID"
NOT_CHECKED: Final = "not checked"
MISSING: Final = "missing"
LONGEST_BODY: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """A POST as the script got it.

    `received_at` in Unix seconds; `event` is the webhook-id; `post` what PHP would have in $_POST; `signature` and
    `digest` say what came of the checks; `duplicate`: the event was accepted before; `answered`: the status.
    """

    received_at: float
    path: str
    event: str
    type: str
    attempt: str
    signature: str
    digest: str
    duplicate: bool
    test: bool
    answered: int
    post: dict[str, Any]
    problem: str = ""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """What to_json wrote. Raises ValueError or TypeError for a line that it did not write."""
        return cls(**json.loads(line))


class Script:
    """What the script does with a POST: check it, decode it, answer with `answer`. For any number of threads."""

    def __init__(self, secret: str = "", answer: int = 200) -> None:
        """Without a `secret` (whsec_…) signatures are not checked. Raises ValueError for a bad one."""
        self._webhook = Webhook(secret) if secret else None
        self._answer = answer
        self._accepted: set[str] = set()
        self._lock = threading.Lock()

    def take(self, path: str, headers: Mapping[str, str], body: bytes, received_at: float) -> Received:
        """Take one POST; `headers` by names in lower case."""
        post, problem = _decoded(headers.get("content-type", ""), body)
        event = headers.get("webhook-id", "")
        return Received(
            received_at=received_at,
            path=path,
            event=event,
            type=str(post.get("type", "")),
            attempt=headers.get("webhook-attempt", ""),
            signature=self._check_signature(headers, body),
            digest=_check_digest(headers.get("digest", ""), body),
            duplicate=self._is_duplicate(event),
            test="webhook-test" in headers,
            answered=self._answer,
            post=post,
            problem=problem,
        )

    def _check_signature(self, headers: Mapping[str, str], body: bytes) -> str:
        if self._webhook is None:
            return NOT_CHECKED
        try:
            self._webhook.verify(body, dict(headers), json_parse=False)
        # The package lets through what unreadable headers and bodies make its parsers raise.
        except (WebhookVerificationError, ValueError):
            return INVALID
        return VALID

    def _is_duplicate(self, event: str) -> bool:
        """What was refused before comes again by right, so only what was accepted is remembered."""
        with self._lock:
            seen = event in self._accepted
            if event and 200 <= self._answer <= 299:
                self._accepted.add(event)
            return seen


def _decoded(content_type: str, body: bytes) -> tuple[dict[str, Any], str]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_form(body)), ""
    if kind != "application/json":
        return {}, f"The content type is {content_type or 'missing'}; a form or JSON was expected."
    try:
        post = json.loads(body)
    except (ValueError, RecursionError):
        return {}, "The body is not JSON."
    return (post, "") if isinstance(post, dict) else ({}, "The body is JSON, but not an object.")


def _check_digest(digest: str, body: bytes) -> str:
    expected = "sha-256=" + b64encode(sha256(body).digest()).decode()
    if not digest:
        return MISSING
    return VALID if hmac.compare_digest(digest.encode(), expected.encode()) else INVALID


class Receiver(ThreadingHTTPServer):
    """The script's web server, on 127.0.0.1: POST anywhere, and GET /<name>.txt for verification files.

    `files` are verification files and folders of them; `tell` is called with each POST before it is answered, by one
    thread at a time. Raises OSError when the port (0: any) can't be had.
    """

    daemon_threads = True
    request_queue_size = 512

    def __init__(
        self, port: int, script: Script, files: Sequence[Path] = (), tell: Callable[[Received], None] = lambda _: None
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.script = script
        self._files = files
        self._tell = tell
        self._telling = threading.Lock()

    def tell(self, received: Received) -> None:
        """Hand over one POST."""
        with self._telling:
            self._tell(received)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def find(self, name: str) -> bytes | None:
        """The content of the verification file of this name."""
        for path in self._files:
            file = path / name if path.is_dir() else path
            if file.name == name and file.is_file():
                return file.read_bytes()
        return None


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    timeout = 120
    # One packet for each answer, sent at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        content = self.server.find(name) if name.endswith(".txt") and "/" not in name else None
        if content is None:
            self._send(404, b"There is no such file here.\n")
        else:
            self._send(200, content)

    def do_POST(self) -> None:
        at = time.time()
        length = self._length()
        if length is None or length > LONGEST_BODY:
            self.close_connection = True
            self._send(411 if length is None else 413, b"A body of up to 16 MiB with its Content-Length is needed.\n")
            return
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the caller hung up in the middle of the body")
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = self.server.script.take(self.path, headers, body, at)
        self.server.tell(received)
        self._send(received.answered, b"" if received.answered in (204, 304) else b"ok\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Each POST is told once, by `tell`."""

    def _length(self) -> int | None:
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
