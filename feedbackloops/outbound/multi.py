"""libcurl's multi handle on an epoll, so that calls that wait cost nothing."""

import contextlib
import os
import select
import threading
import time
from typing import Any

import pycurl

_WATCHED = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_BROKEN = select.EPOLLERR | select.EPOLLHUP
_ALL = 1_000_000

Finished = tuple[pycurl.Curl, int, str]


class Multi:
    """Drives many transfers. All methods but `wake` belong to one thread."""

    def __init__(self, kept_connections: int) -> None:
        """Close the oldest idle connection whenever there are more than `kept_connections`, busy ones included."""
        self._multi = pycurl.CurlMulti()
        self._epoll = select.epoll()
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._alarmed = False
        self._closing = threading.Lock()
        self._closed = False
        self._timer: float | None = None
        self._wanted: dict[int, int] = {}
        self._registered: dict[int, int] = {}
        self._epoll.register(self._alarm, select.EPOLLIN)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, kept_connections)

    def add(self, curl: pycurl.Curl) -> None:
        """Start a transfer at the next `run`."""
        self._multi.add_handle(curl)

    def remove(self, curl: pycurl.Curl) -> None:
        """Take a finished transfer out, or cut off one that is not."""
        self._multi.remove_handle(curl)

    def wake(self) -> None:
        """Make `run` return soon. For any thread."""
        if self._alarmed:
            return
        with self._closing:
            if not self._closed:
                self._alarmed = True
                os.eventfd_write(self._alarm, 1)

    def run(self, longest: float) -> list[Finished]:
        """Wait for something to do, `longest` seconds at most, do it, and return what finished: handle, code, words."""
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        finished = self._finished()
        for fd, events in self._epoll.poll(0 if finished else self._patience(longest)):
            self._on_event(fd, events)
        return finished + self._finished()

    def close(self) -> None:
        """Close all connections."""
        self._multi.close()
        self._epoll.close()
        with self._closing:
            self._closed = True
            os.close(self._alarm)

    def forget_socket(self, fd: int) -> None:
        """Learn that this number now belongs to a new socket; epoll dropped the old one when it was closed."""
        self._registered.pop(fd, None)

    def _patience(self, longest: float) -> float:
        if self._timer is None:
            return longest
        return min(longest, max(0.0, self._timer - time.monotonic()))

    def _finished(self) -> list[Finished]:
        _, succeeded, failed = self._multi.info_read(_ALL)
        return [(curl, pycurl.E_OK, "") for curl in succeeded] + failed

    def _on_event(self, fd: int, events: int) -> None:
        if fd == self._alarm:
            os.eventfd_read(fd)
            # Not before: a `wake` in between would be read away, and silence all that come after it.
            self._alarmed = False
        elif fd not in self._wanted:
            self._unregister(fd)
        else:
            self._multi.socket_action(fd, _ready(events))

    def _on_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _on_socket(self, what: int, fd: int, multi: pycurl.CurlMulti, data: Any) -> None:
        # An idle connection stays registered for its next call: two system calls fewer, a fifth of a call's cost.
        # If its server speaks or hangs up meanwhile, _on_event unregisters it.
        if what == pycurl.POLL_REMOVE:
            self._wanted.pop(fd, None)
            return
        mask = _WATCHED.get(what, 0)
        self._wanted[fd] = mask
        registered = self._registered.get(fd)
        if registered is None:
            self._epoll.register(fd, mask)
        elif registered != mask:
            self._epoll.modify(fd, mask)
        self._registered[fd] = mask

    def _unregister(self, fd: int) -> None:
        self._registered.pop(fd, None)
        with contextlib.suppress(OSError):  # closed since the event
            self._epoll.unregister(fd)


def _ready(events: int) -> int:
    ready = 0
    if events & select.EPOLLIN:
        ready |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        ready |= pycurl.CSELECT_OUT
    if events & _BROKEN:
        ready |= pycurl.CSELECT_ERR
    return ready
