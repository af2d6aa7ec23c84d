"""One embedded server: its data, its users, its life."""

import json
import os
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import psutil

from marketingsuite.devstack.errors import DevstackError
from marketingsuite.devstack.launching import last_lines, spawn
from marketingsuite.devstack.ports import any_free_port
from marketingsuite.devstack.users import Users


class Server(ABC):
    """A server in `folder`/`name` that runs as long as somebody has a lease of it.

    Beside the data folder lie the log, the locks and the state file (mode 0600) with the pid and the URL, by which
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
        self._users = Users(self.folder, self.name)

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
        """Have the server running within the block: the first to need it starts it, the last one stops it.

        Raises DevstackError when it does not come up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._users.lease() as lease:
            with self._users.changing():
                self._bring_up(is_first=lease.join())
            try:
                yield
            finally:
                with self._users.changing():
                    if lease.leave():
                        self.stop()

    def tend(self) -> bool:
        """Start the server again, for all who have a lease of it, where it has died; whether it had.

        Raises DevstackError.
        """
        if self._lives():
            return False
        with self._users.changing():
            if self._lives():
                return False
            self.start()
        return True

    def start(self) -> None:
        """Start the server, on its former port if it had one. Raises DevstackError with the end of its log."""
        self._end(self._processes())
        self.prepare()
        self._port = self._port or self._former_port()
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
            self._remaining(processes)

    def _bring_up(self, *, is_first: bool) -> None:
        if is_first:
            # What nobody uses was left by somebody who was killed: the state too, with a port that others may have now.
            self._state_file.unlink(missing_ok=True)
            self._users.have_it_end(self.data, self.program, self.stop_signal, self.stop_seconds)
        elif self._answers_in_time():
            return
        self.start()

    def _answers_in_time(self) -> bool:
        """Whether the server that others use answers, frozen or slow as it may be; False when it is dead."""
        deadline = time.monotonic() + 2 * self.start_seconds
        while self._lives():
            if self.running():
                return True
            if time.monotonic() > deadline:
                raise DevstackError(
                    f"The embedded {self.name} server in {self.folder}, which other processes use, does not answer. "
                    f"Look into {self.log}, or stop those processes."
                )
            time.sleep(0.1)
        return False

    def _lives(self) -> bool:
        """Whether the server's main process is there, whoever started it."""
        with suppress(DevstackError, psutil.Error):
            return bool(psutil.Process(self.pid).cwd() == str(self.data))
        return False

    def _former_port(self) -> int | None:
        """Where those who use a server that has died expect it to come back."""
        return urlsplit(self.url).port if self._state_file.exists() else None

    def _start_on(self, port: int) -> None:
        with self.log.open("ab") as output:
            self._process = spawn(self.command(port), output=output, cwd=self.data)
        # Others may have to start it again, which PostgreSQL refuses as long as a dead one is not waited for.
        threading.Thread(target=self._process.wait, name=f"{self.name}-ends", daemon=True).start()
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
        for process in self._remaining(processes):
            _send(process, signal.SIGKILL)
        self._remaining(processes)

    def _remaining(self, processes: list[psutil.Process]) -> list[psutil.Process]:
        """Those that have not ended within `stop_seconds`; one whose parent has not noticed yet has."""
        deadline = time.monotonic() + self.stop_seconds
        while (alive := [process for process in processes if _runs(process)]) and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._process is not None and self._process.pid not in [process.pid for process in alive]:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self.stop_seconds)
        return alive


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _parent(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return None
