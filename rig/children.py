"""Processes of bench and chaos, beside those that they put to the test."""

import socket
import subprocess
import sys
from pathlib import Path

from marketingsuite.devstack.launching import launcher
from marketingsuite.devstack.ports import any_free_port

ROOT = Path(__file__).resolve().parents[1]
BACKLOG = 4096


def listening_socket() -> socket.socket:
    """A socket that listens on a free port of 127.0.0.1, for a child to serve on."""
    listener = socket.create_server(("127.0.0.1", any_free_port()), backlog=BACKLOG)
    listener.set_inheritable(True)
    return listener


def child(module: str, *arguments: str, listener: socket.socket | None = None) -> subprocess.Popen[bytes]:
    """Run a module in a process that ends with this thread at the latest; its streams are pipes.

    It inherits the listening socket, where one is given.
    """
    command = launcher([sys.executable, "-m", module, *arguments])
    pipe = subprocess.PIPE
    inherited = [listener.fileno()] if listener else []
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, pass_fds=inherited)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child at once, whatever it is at."""
    process.kill()
    process.communicate()
