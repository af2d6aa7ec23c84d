"""The reference of the drain: given POSTs, made again and again by libcurl alone (``python -m bench.bare``)."""

import json
import select
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import pycurl

from bench.receiver import Sample
from rig.children import child

WATCHED = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
# A process can't be told when libcurl's own timer runs out, which only matters where an answer never comes.
TICK_SECONDS = 0.1


def post(url: str, samples: Sequence[Sample], *, number: int, connections: int) -> None:
    """POST the samples' bodies with their headers to the URL, so many times, in a process of its own.

    Raises ChildProcessError when a POST is not answered by 200.
    """
    calls = [{"headers": each.headers, "body": b64encode(each.body).decode()} for each in samples]
    job = {"url": url, "calls": calls, "number": number, "connections": connections}
    process = child("bench.bare")
    _, complaint = process.communicate(json.dumps(job).encode())
    if process.returncode:
        raise ChildProcessError(f"The bare loop broke down: {complaint.decode(errors='replace').strip()}")


class Bare:
    """A multi handle on an epoll, and as many easy handles as connections."""

    def __init__(self, url: str, calls: Sequence[tuple[list[str], bytes]], number: int) -> None:
        self._url = url
        self._calls = islice(cycle(calls), number)
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._busy = 0

    def run(self, connections: int) -> None:
        """Make all the calls. Raises RuntimeError when one fails."""
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        for _ in range(connections):
            self._begin(self._handle())
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        while self._busy:
            ready = self._epoll.poll(TICK_SECONDS)
            for fd, _ in ready:
                self._multi.socket_action(fd, 0)
            if self._finish() or not ready:
                self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _handle(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, self._url)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.WRITEFUNCTION, len)
        return handle

    def _begin(self, handle: pycurl.Curl) -> None:
        call = next(self._calls, None)
        if call is None:
            return
        headers, body = call
        handle.setopt(pycurl.HTTPHEADER, headers)
        handle.setopt(pycurl.POSTFIELDS, body)
        self._multi.add_handle(handle)
        self._busy += 1

    def _finish(self) -> int:
        _, succeeded, failed = self._multi.info_read(1_000_000)
        if failed:
            raise RuntimeError(failed[0][2])
        for handle in succeeded:
            if handle.getinfo(pycurl.RESPONSE_CODE) != 200:
                raise RuntimeError("a POST was not answered by 200")
            self._multi.remove_handle(handle)
            self._busy -= 1
            self._begin(handle)
        return len(succeeded)

    def _watch(self, what: int, fd: int, multi: pycurl.CurlMulti, data: Any) -> None:
        mask = WATCHED.get(what)
        if mask is None:
            self._watched.discard(fd)
            self._epoll.unregister(fd)
        elif fd in self._watched:
            self._epoll.modify(fd, mask)
        else:
            self._watched.add(fd)
            self._epoll.register(fd, mask)


def main() -> None:
    """Do the job on stdin."""
    job = json.load(sys.stdin)
    calls = [
        ([f"{name}: {value}" for name, value in each["headers"].items()], b64decode(each["body"]))
        for each in job["calls"]
    ]
    Bare(job["url"], calls, job["number"]).run(job["connections"])


if __name__ == "__main__":
    main()
