"""The receiver's process: ``python -m bench.script FD``, with the number of a listening socket that it inherits.

One thread on raw file descriptors, since a receiver that shares the machine must not be what is measured.
"""

import json
import os
import resource
import select
import socket
import sys
import time
from base64 import b64encode
from typing import Any

READ_BYTES = 32_768
SAMPLE_EVERY = 1000
STAMP = b"referer=bench%2F"
STAMP_DIGITS = 15
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ANSWERS = {b"ok": OK, b"error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"}


class Tally:
    """What has come for one name; `answer` is None where none is given."""

    __slots__ = ("answer", "first", "ids", "last", "latencies", "posts", "samples")

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.posts = 0
        self.first = self.last = 0.0
        self.ids: set[bytes] = set()
        self.latencies: list[float] = []
        self.samples: list[bytes] = []

    def take(self, post: bytes, head: bytes) -> None:
        """Count a POST that has just come; `head` is its head in lower case."""
        now = time.monotonic()
        if not self.posts:
            self.first = now
        self.last = now
        if self.posts % SAMPLE_EVERY == 0:
            self.samples.append(post)
        self.posts += 1
        start = head.find(b"\r\nwebhook-id: ") + 14
        self.ids.add(head[start : head.find(b"\r", start)])
        stamp = post.find(STAMP, len(head))
        if stamp > 0:
            stamp += len(STAMP)
            self.latencies.append(now * 1e3 - int(post[stamp : stamp + STAMP_DIGITS]) / 1e3)

    def report(self) -> dict[str, Any]:
        """The fields of `bench.receiver.Received`, as JSON has them."""
        return {
            "posts": self.posts,
            "distinct": len(self.ids),
            "first": self.first,
            "last": self.last,
            "latencies": [round(each, 3) for each in self.latencies],
            "samples": [in_full(each) for each in self.samples],
        }


class Script:
    """The scripts of all names on one listening socket."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._epoll = select.epoll()
        self._epoll.register(listener, select.EPOLLIN)
        self._tallies: dict[bytes, Tally] = {}
        self._begun: dict[int, bytes] = {}

    def serve(self) -> None:
        """Serve until the process is told to end."""
        listening, read = self._listener.fileno(), self._read
        while True:
            for fd, _ in self._epoll.poll():
                if fd == listening:
                    self._accept()
                else:
                    read(fd)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._epoll.register(connection.detach(), select.EPOLLIN)

    def _read(self, fd: int) -> None:
        try:
            data = os.read(fd, READ_BYTES)
            if not data:
                self._close(fd)
                return
            if self._begun:
                data = self._begun.pop(fd, b"") + data
            answer = self._answer(fd, data)
            if answer:
                os.write(fd, answer)
        except (ConnectionError, ValueError):
            self._close(fd)

    def _answer(self, fd: int, data: bytes) -> bytes | None:
        end = data.find(b"\r\n\r\n")
        head = data[:end].lower()
        if data.startswith(b"POST "):
            if end < 0 or len(data) < end + 4 + content_length(head):
                self._begun[fd] = data
                return None
            tally = self._tally(data[5 : data.index(b" ", 5)])
            tally.take(data, head)
            return tally.answer
        if not data.startswith(b"GET /-/"):
            return OK
        self._tell(fd, data[7 : data.index(b" ", 7)])
        return None

    def _tally(self, path: bytes) -> Tally:
        tally = self._tallies.get(path)
        if tally is None:
            tally = self._tallies[path] = Tally(ANSWERS.get(path.split(b"/")[1]))
        return tally

    def _tell(self, fd: int, path: bytes) -> None:
        question, _, name = path.partition(b"/")
        body = json.dumps(self._control(question, name)).encode()
        # A report is longer than what a socket takes at once.
        os.set_blocking(fd, True)
        with open(fd, "wb", closefd=False) as out:
            out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
            out.write(body)
        os.set_blocking(fd, False)

    def _control(self, question: bytes, name: bytes) -> Any:
        if question == b"forget":
            self._tallies.clear()
            return None
        tallies = (self._tallies.get(b"/%b/%b" % (behaviour, name)) for behaviour in (b"ok", b"error", b"hang"))
        tally = next(filter(None, tallies), None) or Tally(None)
        return tally.posts if question == b"posts" else tally.report()

    def _close(self, fd: int) -> None:
        self._begun.pop(fd, None)
        os.close(fd)


def content_length(head: bytes) -> int:
    """The Content-Length of a head in lower case. Raises ValueError where it has none."""
    start = head.index(b"\r\ncontent-length: ") + 18
    end = head.find(b"\r", start)
    return int(head[start:end] if end > 0 else head[start:])


def in_full(post: bytes) -> dict[str, Any]:
    """A POST as `bench.receiver.Sample` has it, its body in base64."""
    head, _, body = post.partition(b"\r\n\r\n")
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    headers = {name.decode().lower(): value.decode("latin-1") for name, _, value in lines}
    return {"headers": headers, "body": b64encode(body).decode()}


def main(fd: int) -> None:
    """Serve on this listening socket, with as many connections as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Script(socket.socket(fileno=fd)).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
