"""``python -m marketingsuite.devstack.run``: all that there is on this machine, for `make run`.

It starts the embedded servers and every process of the Procfile, and starts a server again that dies. However it ends,
by Ctrl-C, a signal, a terminal that closes, a reader of its output that goes away or kill -9, they end with it.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress

from marketingsuite.devstack import BASE_DIR, DevstackError, Stack, environment
from marketingsuite.devstack.launching import launcher
from marketingsuite.devstack.ports import insist_on
from marketingsuite.devstack.shown import ShownProcesses

LOOK_SECONDS = 0.5
OURS = "system"


def main() -> int:
    """1 when something does not come up or ends by itself, 130 after Ctrl-C, 141 when nobody reads on."""
    port = os.environ.get("PORT") or "8000"
    if not port.isdecimal():
        print(f"PORT is {port!r}; give a number.", file=sys.stderr)
        return 2
    insist_on(int(port))
    try:
        with environment() as stack:
            return migrate() or run(stack, port)
    except KeyboardInterrupt:
        return 130
    except DevstackError as error:
        with suppress(OSError):
            print(error, file=sys.stderr)
        return 1


def migrate() -> int:
    """Bring the tables up to date; the exit code."""
    command = launcher([sys.executable, "manage.py", "migrate", "--verbosity", "0"])
    return subprocess.run(command, cwd=BASE_DIR, check=False).returncode


def run(stack: Stack, port: str) -> int:
    """Run the processes until nobody reads what they print. Raises DevstackError when one ends by itself."""
    processes = ShownProcesses(BASE_DIR / "Procfile", {"PORT": port})
    processes.say(
        OURS, f"the dashboard: http://localhost:{port} (for a login: .venv/bin/python manage.py createsuperuser)"
    )
    try:
        processes.start()
        while not processes.unheard.wait(LOOK_SECONDS):
            processes.check()
            tend(stack, processes)
    finally:
        processes.stop()
    # Or Python complains at its end that it can't flush.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def tend(stack: Stack, processes: ShownProcesses) -> None:
    """Start the embedded servers again that have died."""
    for server in (stack.postgres, stack.valkey):
        try:
            if server and server.tend():
                processes.say(OURS, f"{server.name} had died, and was started again")
        except DevstackError as error:
            processes.say(OURS, f"{server and server.name} has died, and does not start again. {error}")


if __name__ == "__main__":
    sys.exit(main())
