"""Who uses an embedded server: a shared lock for each of them, so that one that is killed is not counted any more."""

import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from marketingsuite.devstack.errors import DevstackError

AFTERWARDS: Final = Path(__file__).with_name("afterwards.py")
# Longer than any start and any stop of a server takes.
PATIENCE_SECONDS: Final = 90.0


class Users:
    """The users of the server `name` of `folder`, in this process and in others."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._lock = folder / f"{name}.lock"
        self._file = folder / f"{name}.users"

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else starts or stops the server within the block. Raises DevstackError when that takes too long."""
        with self._lock.open("a") as lock:
            self.take(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def lease(self) -> Iterator["Lease"]:
        """A lease that is over with the block, or with this process."""
        with self._file.open("a") as file:
            yield Lease(self, file)

    def have_it_end(self, data: Path, program: str, stop_signal: signal.Signals, seconds: float) -> None:
        """Have a process of its own stop the server where its last user was killed before it could do so."""
        told = map(str, (AFTERWARDS, self._file, data, program, int(stop_signal), seconds))
        command = [sys.executable, "-I", "-S", *told]
        nothing = subprocess.DEVNULL
        subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing, cwd="/", check=True)

    def is_alone(self) -> bool:
        """Whether nobody has a lease. Where the last user was killed, it waits until the server is stopped."""
        with self._file.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.take(file, fcntl.LOCK_SH)
                return False
            return True

    def take(self, file: IO[str], how: int) -> None:
        """Lock the file in this way. Raises DevstackError when somebody else has it for too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return fcntl.flock(file, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DevstackError(
                        f"Another process has been starting or stopping the embedded {self._name} server for "
                        f"{PATIENCE_SECONDS:g} s. End whoever holds {file.name} (`lsof` names it)."
                    ) from None
                time.sleep(0.02)


class Lease:
    """One user's. Join and leave while nobody else changes the server."""

    def __init__(self, users: Users, file: IO[str]) -> None:
        self._users, self._file = users, file

    def join(self) -> bool:
        """Be a user from now on; whether there is no other."""
        is_first = self._users.is_alone()
        self._users.take(self._file, fcntl.LOCK_SH)
        return is_first

    def leave(self) -> bool:
        """Be a user no more; whether there is no other."""
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return self._users.is_alone()
