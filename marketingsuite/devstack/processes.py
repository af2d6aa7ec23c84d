"""The processes of the Procfile as children of this one, for the demo and for tests of the whole way."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from honcho.environ import parse_procfile

from marketingsuite.devstack.errors import DevstackError
from marketingsuite.devstack.launching import last_lines, launcher, spawn


class Processes:
    """Starts, watches and stops processes by their names in a Procfile, each a single command.

    Start them from the main thread: they get SIGTERM when the thread that started them ends.
    """

    def __init__(self, procfile: Path, env: Mapping[str, str], log_folder: Path) -> None:
        """`env` is added to this process's environment; each process logs to `log_folder`/<name>.log."""
        self.commands: dict[str, str] = dict(parse_procfile(procfile.read_text()).processes)
        self.log_folder = log_folder
        self._cwd = procfile.resolve().parent
        self.env = {**os.environ, **env}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start the named processes, all by default. Raises DevstackError for an unknown name or one that runs."""
        for name in names or self.commands:
            if name not in self.commands:
                raise DevstackError(f"The Procfile has no process {name!r}; it has {', '.join(self.commands)}.")
            if name in self._children:
                raise DevstackError(f"The process {name!r} was started already.")
            # The shell expands ${PORT:-8000} and the like; exec leaves its pid to the command.
            command = launcher(["/bin/sh", "-c", f"exec {self.commands[name]}"])
            with self._output(name) as output:
                self._children[name] = spawn(command, output=output, cwd=self._cwd, env=self.env)

    def stop(self, *names: str, timeout: float = 15.0) -> None:
        """Ask the named processes, all by default, to end; after `timeout` seconds kill them and their children."""
        children = [self._children.pop(name) for name in names or list(self._children)]
        for child in children:
            _send(child, signal.SIGCONT)
            child.terminate()
        deadline = time.monotonic() + timeout
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
            _send(child, signal.SIGKILL)
            child.wait()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal a process and its children: SIGSTOP freezes, SIGCONT wakes; after SIGKILL it may be started again."""
        child = self._children[name]
        _send(child, number)
        if number == signal.SIGKILL:
            del self._children[name]
            child.wait()

    def check(self) -> None:
        """Raise DevstackError, with the end of its log, when a process ended that nobody stopped or killed."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise DevstackError(
                    f"The process {name!r} ended with exit code {child.returncode}. {self._last_words(name)}"
                )

    @property
    def started(self) -> frozenset[str]:
        """The names of those that were started, and not stopped or killed since."""
        return frozenset(self._children)

    def pid(self, name: str) -> int:
        """The pid of a process that was started; it leads a process group of the same number."""
        return self._children[name].pid

    def log(self, name: str) -> Path:
        """Where a process writes its output."""
        return self.log_folder / f"{name}.log"

    def _output(self, name: str) -> IO[bytes]:
        self.log_folder.mkdir(parents=True, exist_ok=True)
        return self.log(name).open("ab")

    def _last_words(self, name: str) -> str:
        return f"The end of {self.log(name)}:\n{last_lines(self.log(name))}"


def _send(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
