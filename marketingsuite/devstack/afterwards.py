"""Stops an embedded server once nobody uses it any more: its last user was killed before it could.

Called by path, without the project on sys.path: ``python afterwards.py USERS STATE DATA SIGNAL SECONDS``. It returns at
once and leaves a process behind, of no session of anybody's, that waits until the users' locks are gone.
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress


def main(users: str, state: str, data: str, number: str, seconds: str) -> None:
    """Wait for the lock, then stop the server of `state`, if it runs still; by force after some seconds."""
    with open(users) as file:
        if os.fork():
            return
        os.setsid()
        fcntl.flock(file, fcntl.LOCK_EX)
        pid = running(state, data)
        if pid and not ends(pid, data, int(number), float(seconds)):
            ends(pid, data, signal.SIGKILL, float(seconds))


def running(state: str, data: str) -> int | None:
    """The server's main process; None when it was stopped in order, or has died."""
    with suppress(OSError, ValueError):
        with open(state) as file:
            pid = int(json.load(file)["pid"])
        return pid if works_in(pid, data) else None
    return None


def ends(pid: int, data: str, number: int, seconds: float) -> bool:
    """Tell it to end, frozen or not; whether it did in time."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    for each in processes():
        if works_in(each, data):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)
    deadline = time.monotonic() + seconds
    while works_in(pid, data) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not works_in(pid, data)


def processes() -> Iterator[int]:
    """All of this machine."""
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def works_in(pid: int, folder: str) -> bool:
    """Whether a process is there, not ended, and works in this folder."""
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd") == folder
    return False


if __name__ == "__main__":
    main(*sys.argv[1:])
