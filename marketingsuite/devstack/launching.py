"""Starts children that need not outlive this process, in sessions of their own so that Ctrl-C does not reach them."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class User:
    """A user of this system that a child becomes."""

    uid: int
    gid: int


def server_user(data: Path) -> User | None:
    """Who a server that refuses to be root runs as: None for this very user, else the data's owner, else `nobody`.

    `nobody` is in every system's list of users, so that no user has to be made; initdb insists on one from that list.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return User(data.stat().st_uid, data.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return User(nobody.pw_uid, nobody.pw_gid)


def launcher(
    command: Sequence[str], user: User | None = None, death_signal: signal.Signals | None = signal.SIGTERM
) -> list[str]:
    """The command line that runs `command` as `user` and sends it `death_signal`, if any, when the calling thread ends.

    Linux counts the thread that started a child as its parent, so start long-lived ones from the main thread.
    """
    owner = f"{user.uid}:{user.gid}" if user else "-"
    head = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(death_signal or 0)), owner]
    return [*head, *command]


def spawn(
    command: Sequence[str], *, output: IO[bytes], cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Run a command line made by `launcher` in the background; all that it prints goes to `output`."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=env,
        start_new_session=True,
    )


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log file, for an error message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 200 * count))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
