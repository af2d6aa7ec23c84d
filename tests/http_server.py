"""A real HTTP(S) server for tests, on loopback addresses only, that behaves as it is told."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in: `connection` counts the connections of the server from 1, `at` is monotonic."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    at: float

    def values(self, name: str) -> list[str]:
        """Return the values of all headers of this name, whatever its case."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(slots=True)
class Exchange:
    """What a behaviour works with: the request, the socket to answer on, and an event set when the server stops."""

    request: Request
    socket: socket.socket
    stopping: threading.Event

    def send(self, data: bytes) -> None:
        """Send all of it. Raises OSError when the caller is gone."""
        self.socket.sendall(data)


Behaviour = Callable[[Exchange], bool]
"""Answers a request; True when the connection stays open for another one."""


def status(code: int, body: bytes = b"", headers: Headers = ()) -> Behaviour:
    """Answer with this status, on a connection that stays open."""
    lines = [f"HTTP/1.1 {code} Some Words", *(f"{name}: {value}" for name, value in headers)]
    if code != 204:
        lines.append(f"Content-Length: {len(body)}")
    answer = "\r\n".join([*lines, "", ""]).encode() + body

    def answer_with_status(exchange: Exchange) -> bool:
        exchange.send(answer)
        return True

    return answer_with_status


def ok(body: bytes = b"ok") -> Behaviour:
    """Answer 200 with this body."""
    return status(200, body)


def redirect(location: str, code: int = 302) -> Behaviour:
    """Answer with a redirect."""
    return status(code, headers=[("Location", location)])


def raw(data: bytes) -> Behaviour:
    """Answer these bytes, whatever they are, and close."""

    def answer_with_bytes(exchange: Exchange) -> bool:
        exchange.send(data)
        return False

    return answer_with_bytes


def after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Wait, then behave."""

    def wait_first(exchange: Exchange) -> bool:
        return not exchange.stopping.wait(seconds) and behaviour(exchange)

    return wait_first


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave one way after another, request by request, and keep to the last."""
    left = list(behaviours)

    def take_turns(exchange: Exchange) -> bool:
        return (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return take_turns


def hang(exchange: Exchange) -> bool:
    """Take the request and never answer."""
    exchange.stopping.wait(60)
    return False


def close(exchange: Exchange) -> bool:
    """Take the request and close."""
    return False


def reset(exchange: Exchange) -> bool:
    """Take the request and reset the connection."""
    exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def drip(seconds: float = 1.0) -> Behaviour:
    """Answer 200 and then one byte of the body at a time, this many seconds apart, without an end."""

    def answer_in_drops(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not exchange.stopping.wait(seconds):
            exchange.send(b".")
        return False

    return answer_in_drops


def huge(size: int) -> Behaviour:
    """Answer 200 with a body of this many bytes."""
    block = b"x" * 65536

    def answer_at_length(exchange: Exchange) -> bool:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for start in range(0, size, len(block)):
            exchange.send(block[: size - start])
        return True

    return answer_at_length


class HttpServer:
    """An HTTP server in threads. Set `behaviour`, or `at[path]` for one path; read `requests` and `connections`.

    With `forgetful` it keeps no requests: for those who send it more than memory holds.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        forgetful: bool = False,
    ) -> None:
        self._forgetful = forgetful
        self.behaviour = behaviour or ok()
        self.at: dict[str, Behaviour] = {}
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1024)
        self.host, self.port = self._listener.getsockname()[:2]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def url(self, path: str = "/", host: str | None = None) -> str:
        """Return the URL of a path, by the server's address or by a name for it."""
        shown = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self._tls else 'http'}://{shown}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls:
                connection.settimeout(5)
                connection = self._tls.wrap_socket(connection, server_side=True)
                connection.settimeout(None)
            self._open.add(connection)
            self._answer_all(connection, number)
        except (OSError, ValueError):
            pass  # the caller is gone, or spoke no HTTP
        finally:
            self._open.discard(connection)
            connection.close()

    def _answer_all(self, connection: socket.socket, number: int) -> None:
        with connection.makefile("rb") as stream:
            while (line := stream.readline()) and not self._stopping.is_set():
                method, path, version = line.decode("latin-1").split(" ")
                if version != "HTTP/1.1\r\n":
                    raise ValueError("this is not HTTP")
                headers = []
                while header := stream.readline().decode("latin-1").rstrip("\r\n"):
                    name, _, value = header.partition(":")
                    headers.append((name, value.strip()))
                length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
                request = Request(method, path, headers, stream.read(length), number, time.monotonic())
                if not self._forgetful:
                    self.requests.append(request)
                behaviour = self.at.get(path.partition("?")[0], self.behaviour)
                if not behaviour(Exchange(request, connection, self._stopping)):
                    return
