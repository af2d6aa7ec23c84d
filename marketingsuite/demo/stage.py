"""The processes of the demo: those of the Procfile and the sample script, on free ports."""

import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import requests

from marketingsuite.demo.inbox import Inbox
from marketingsuite.demo.printing import Printer
from marketingsuite.devstack import BASE_DIR, Processes, free_port
from marketingsuite.devstack.launching import last_lines

WEB_PORT: Final = 8000
SCRIPT_PORT: Final = 9000
SCRIPT: Final = "receive"
PATIENCE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02
LOG_LINES: Final = 8

_T = TypeVar("_T")


class DemoError(Exception):
    """Something that the demo has to show did not come about; the message says what was seen."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the web process and the sample script listen on this machine."""

    web: int
    script: int

    @property
    def web_url(self) -> str:
        """The dashboard and the tracked links, without a slash at the end."""
        return f"http://localhost:{self.web}"

    @property
    def script_url(self) -> str:
        """What the loop calls."""
        return f"http://localhost:{self.script}/script.php"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the steps of the demo work with. `files`: the folder that the sample script serves."""

    printer: Printer
    ports: Ports
    processes: Processes
    files: Path
    inbox: Inbox
    session: requests.Session

    def wait_for(self, condition: Callable[[], _T]) -> _T:
        """What the condition gives once that is true, or last gave when our patience ended.

        Raises DevstackError when a process ends meanwhile.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := condition()) and time.monotonic() < deadline:
            self.processes.check()
            time.sleep(POLL_SECONDS)
        return found

    def log_ends(self, *names: str) -> str:
        """The last lines that these processes logged, for an error message."""
        logs = [self.processes.log(name) for name in names]
        return "".join(f"\nThe end of {log}:\n{last_lines(log, LOG_LINES)}" for log in logs)


def free_ports() -> Ports:
    """Ports that nothing holds, from PORT (8000) and from 9000 on. Raises DemoError, DevstackError."""
    wanted = os.environ.get("PORT") or str(WEB_PORT)
    if not (wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:9]) < 65_536):
        raise DemoError(f"PORT is {wanted!r}; give a number from 1 to 65535, or leave it out.")
    web = free_port(int(wanted))
    return Ports(web, free_port(web + 1 if web >= SCRIPT_PORT else SCRIPT_PORT))


def build(printer: Printer, ports: Ports, folder: Path, secret: str) -> Stage:
    """The stage, nothing started; logs and files go into `folder`. `secret` is the loop's, for the sample script."""
    files = folder / "receiver"
    files.mkdir(parents=True, exist_ok=True)
    env = {
        "PORT": str(ports.web),
        "TRACKING_URL": ports.web_url,
        # The sample script is on this machine, which no customer's script would be.
        "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
        # Not on the command line, where anyone on the machine could read it.
        "RECEIVE_SECRET": secret,
    }
    processes = Processes(BASE_DIR / "Procfile", env, folder / "log")
    script = ["python", "manage.py", "receive", "--json", "--port", str(ports.script), "--file", str(files)]
    processes.commands = {SCRIPT: shlex.join(script), **processes.commands}
    session = requests.Session()
    # A proxy that the environment names would not find this machine's own addresses.
    session.trust_env = False
    return Stage(printer, ports, processes, files, Inbox(processes.log(SCRIPT)), session)


@contextmanager
def running(stage: Stage) -> Iterator[None]:
    """Have the processes running within the block."""
    try:
        with stage.printer.step("processes") as step:
            stage.processes.start()
            step.say(f"{', '.join(stage.processes.commands)}; they log to {stage.processes.log_folder}")
        yield
    finally:
        _stop(stage)


def wait_for_web(stage: Stage) -> None:
    """Wait until the web process and the sample script answer. Raises DemoError, DevstackError."""
    with stage.printer.step("web") as step:
        for name, url in (("web", f"{stage.ports.web_url}/"), (SCRIPT, stage.ports.script_url)):
            if not stage.wait_for(partial(_answers, stage.session, url)):
                raise DemoError(f"{url} does not answer.{stage.log_ends(name)}")
        step.say(f"{stage.ports.web_url} and {stage.ports.script_url} answer")


def _answers(session: requests.Session, url: str) -> bool:
    with suppress(requests.ConnectionError, requests.Timeout):
        return session.get(url, timeout=5, allow_redirects=False).status_code < 500
    return False


def _stop(stage: Stage) -> None:
    """A second Ctrl-C must not leave half of them running."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stage.printer.step("stop") as step:
            stage.processes.stop()
            step.say("every process has ended")
    finally:
        signal.signal(signal.SIGINT, previous)
