"""One embedded server: its data, its lock, its life."""

import fcntl
import json
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import psutil

from marketingsuite.devstack.errors import DevstackError
from marketingsuite.devstack.launching import last_lines, spawn
from marketingsuite.devstack.ports import any_free_port


class Server(ABC):
    """A server in `folder`/`name` that at most one process owns: the one that holds its lock.

    Beside the data folder lie the log, the lock and the state file (mode 0600) with the pid and the URL, by which
    other processes find the server while it runs.
    """

    name: ClassVar[str]
    program: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    start_seconds: ClassVar[float] = 30.0
    stop_seconds: ClassVar[float] = 20.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / self.name
        self.log = self.folder / f"{self.name}.log"
        self._state_file = self.folder / f"{self.name}.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder ready for a first start."""

    @abstractmethod
    def command(self, port: int) -> Sequence[str]:
        """The command line that runs the server in the foreground, through the launcher."""

    @abstractmethod
    def url_for(self, port: int) -> str:
        """How clients reach the server, password included."""

    @abstractmethod
    def answers(self, url: str) -> bool:
        """Whether a server at `url` answers a query within two seconds."""

    @abstractmethod
    def settle(self, port: int) -> None:
        """Do what is left to do once a fresh server answers."""

    @property
    def pid(self) -> int:
        """The server's main process. Raises DevstackError when it does not run."""
        return int(self._state()["pid"])

    @property
    def url(self) -> str:
        """Raises DevstackError when the server does not run."""
        return str(self._state()["url"])

    def running(self) -> bool:
        """Whether somebody runs the server of this folder and it answers."""
        return self._state_file.exists() and self.answers(self.url)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Have the server running within the block: started here and stopped here, or shared with its owner."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{self.name}.lock").open("w") as lock:
            if not self._own(lock.fileno()):
                yield
                return
            try:
                self.start()
                yield
            finally:
                self.stop()

    def start(self) -> None:
        """Start the server, on its former port if it had one. Raises DevstackError with the end of its log."""
        self._end(self._processes())
        self.prepare()
        if self._port is not None:
            return self._start_on(self._port)
        try:
            self._start_on(any_free_port())
        except DevstackError:
            # Another process may have been quicker to take the port.
            self._start_on(any_free_port())

    def stop(self) -> None:
        """Stop the server in order, frozen or not; by force when it takes longer than `stop_seconds`."""
        self._end(self._processes())
        self._state_file.unlink(missing_ok=True)

    def restart(self) -> None:
        """Stop and start again on the same port."""
        self.stop()
        self.start()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server: SIGSTOP freezes it, SIGCONT wakes it, SIGKILL is a crash."""
        processes = self._processes()
        for process in processes:
            _send(process, number)
        if number == signal.SIGKILL:
            psutil.wait_procs(processes, timeout=self.stop_seconds)

    def _own(self, lock: int) -> bool:
        """Take the lock (True), or wait until the server of whoever holds it answers (False)."""
        deadline = time.monotonic() + 2 * self.start_seconds
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self.running():
                    return False
                time.sleep(0.1)
            else:
                return True
        raise DevstackError(
            f"Another process holds {self.folder}/{self.name}.lock, but its server does not answer. "
            f"Stop that process, or look into {self.log}."
        )

    def _start_on(self, port: int) -> None:
        self._process = spawn(self.command(port), log=self.log, cwd=self.data)
        url = self.url_for(port)
        try:
            self._await_answer(url)
            self.settle(port)
        except BaseException:
            self._process.kill()
            self._end(self._processes())
            raise
        self._port = port
        self._write_state({"pid": self._process.pid, "url": url})

    def _await_answer(self, url: str) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self.start_seconds
        while not self.answers(url):
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                why = "does not answer" if code is None else f"ended with exit code {code}"
                raise DevstackError(
                    f"The embedded {self.name} server {why}. The end of {self.log}:\n{last_lines(self.log)}"
                )
            time.sleep(0.02)

    def _state(self) -> dict[str, str | int]:
        try:
            state: dict[str, str | int] = json.loads(self._state_file.read_text())
        except FileNotFoundError:
            raise DevstackError(f"No embedded {self.name} server runs in {self.folder}.") from None
        return state

    def _write_state(self, state: dict[str, str | int]) -> None:
        draft = self._state_file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(state, file)
        draft.replace(self._state_file)

    def _processes(self) -> list[psutil.Process]:
        """All processes of our program that work in our data folder, also those that a killed owner left."""
        found = psutil.process_iter(["name", "cwd"])
        return [each for each in found if each.info["name"] == self.program and each.info["cwd"] == str(self.data)]

    def _end(self, processes: list[psutil.Process]) -> None:
        """Wake what is frozen, ask the topmost ones to stop, wait for all, kill what remains."""
        pids = {process.pid for process in processes}
        topmost = [process for process in processes if _parent(process) not in pids]
        for process in processes:
            _send(process, signal.SIGCONT)
        for process in topmost:
            _send(process, self.stop_signal)
        _, alive = psutil.wait_procs(processes, timeout=self.stop_seconds)
        for process in alive:
            _send(process, signal.SIGKILL)
        psutil.wait_procs(alive, timeout=self.stop_seconds)
        if self._process is not None:
            self._process.poll()


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _parent(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return None
