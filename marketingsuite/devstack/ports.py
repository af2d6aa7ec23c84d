"""Ports of 127.0.0.1 for servers that this machine starts for itself."""

import secrets
import socket

from marketingsuite.devstack.errors import DevstackError

# Below what systems hand out for outgoing connections: a client that reconnects to a stopped server in that
# range can be given the server's own port as its source, and then talks to itself and keeps the port.
QUIET_RANGE = range(15_000, 30_000)


def free_port(preferred: int) -> int:
    """The first port from `preferred` on that nothing on 127.0.0.1 holds. Raises DevstackError when all are taken."""
    for port in range(preferred, 65_536):
        if _is_free(port):
            return port
    raise DevstackError(f"No port from {preferred} on is free on 127.0.0.1.")


def insist_on(port: int) -> None:
    """Raise SystemExit, naming a port to try, unless nothing on 127.0.0.1 holds this one."""
    if not _is_free(port):
        raise SystemExit(f"Port {port} is taken; try PORT={free_port(port)} make run")


def any_free_port() -> int:
    """A free port that two callers at the same time are unlikely to share."""
    # Not the module random, which two test runs at once may have seeded alike.
    return free_port(secrets.choice(QUIET_RANGE))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
