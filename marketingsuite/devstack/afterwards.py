"""Stops an embedded server once nobody uses it any more: its last user was killed before it could.

Called by path, without the project on sys.path: ``python afterwards.py USERS DATA PROGRAM SIGNAL SECONDS``. It returns
at once and leaves a process behind, of no session of anybody's, that waits until the users' locks are gone. It goes by
what runs, not by the files that tell of it: the folder may be gone by then.
"""

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress


def main(users: str, data: str, program: str, number: str, seconds: str) -> None:
    """Wait for the lock, then end what runs of the server, by force after some seconds."""
    with open(users) as file:
        if os.fork():
            return
        os.setsid()
        fcntl.flock(file, fcntl.LOCK_EX)
        gone = f"{data} (deleted)"
        folders = {data, gone} if is_file(users, file.fileno()) else {gone}
        end(folders, program, int(number), float(seconds))


def is_file(path: str, descriptor: int) -> bool:
    """Whether the path leads to this file still, and not to one of a folder that was made anew."""
    with suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    return False


def end(folders: set[str], program: str, number: int, seconds: float) -> None:
    """Tell the server's topmost processes to end, frozen or not; kill what has not ended in time."""
    found = processes(folders, program)
    for pid in [pid for pid in found if parent(pid) not in found]:
        send(pid, number)
    for pid in found:
        send(pid, signal.SIGCONT)
    deadline = time.monotonic() + seconds
    while (left := processes(folders, program)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        send(pid, signal.SIGKILL)


def processes(folders: set[str], program: str) -> set[int]:
    """All that run this program in one of these folders; one that has ended runs in none."""
    pids = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
    return {pid for pid in pids if read_link(pid) in folders and name_of(pid) == program}


def read_link(pid: int) -> str:
    """The folder that a process works in."""
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd")
    return ""


def name_of(pid: int) -> str:
    """The name of a process, empty once it is gone."""
    with suppress(OSError), open(f"/proc/{pid}/comm") as file:
        return file.read().rstrip("\n")
    return ""


def parent(pid: int) -> int:
    """The process that started it; 0 once it is gone."""
    with suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])
    return 0


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    main(*sys.argv[1:])
