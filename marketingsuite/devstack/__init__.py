"""Embedded PostgreSQL and Valkey for development, demo and tests, wherever DATABASE_URL or REDIS_URL is not set.

With BROKER_URL, which names another broker, there is no need of a Valkey.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import environ

from marketingsuite.devstack.errors import DevstackError
from marketingsuite.devstack.leaving import exit_on_signals
from marketingsuite.devstack.ports import any_free_port, free_port
from marketingsuite.devstack.postgres import Postgres
from marketingsuite.devstack.processes import Processes
from marketingsuite.devstack.server import Server
from marketingsuite.devstack.valkey import Valkey

__all__ = [
    "DevstackError",
    "Postgres",
    "Processes",
    "Stack",
    "Valkey",
    "any_free_port",
    "environment",
    "environment_without_servers",
    "free_port",
    "running",
    "start",
]

# As django-environ reads them.
YES = environ.Env.BOOLEAN_TRUE_STRINGS
NO = ("false", "off", "n", "no", "0")
BASE_DIR = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Stack:
    """Where PostgreSQL and Redis are; the handles are None for those that the environment names."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    folder: Path
    postgres: Postgres | None = None
    valkey: Valkey | None = None

    def environ(self) -> dict[str, str]:
        """What a process needs in its environment to use this stack, with this Python first in its PATH."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }


@contextmanager
def start(folder: Path, *, database: str = "marketingsuite", shared_buffers: str = "256MB") -> Iterator[Stack]:
    """Run what the environment does not name, with its data in `folder`, for the length of the block.

    What runs in `folder` already is shared; the last one to use it stops it, also when the block fails or this process
    gets SIGTERM or SIGHUP. Raises DevstackError when a server does not come up.
    """
    stack = _plan(folder, database, shared_buffers)
    with exit_on_signals(), ExitStack() as leases:
        for server in (stack.postgres, stack.valkey):
            if server:
                leases.enter_context(server.lease())
        yield _located(stack)


def running(folder: Path, *, database: str = "marketingsuite") -> Stack | None:
    """The stack that another process runs in `folder`, if all of it answers."""
    stack = _plan(folder, database, "256MB")
    servers = [server for server in (stack.postgres, stack.valkey) if server]
    return _located(stack) if all(server.running() for server in servers) else None


@contextmanager
def environment() -> Iterator[Stack]:
    """Have a stack for the length of the block, with os.environ naming it.

    The data lies in the folder that MARKETINGSUITE_VAR names, `var` in the checkout by default. Embedded servers
    mean development, so DEVELOPMENT is switched on with them unless it is set. Raises DevstackError where a deployment
    has forgotten to name its servers.
    """
    folder = _settled()
    with start(folder) as stack:
        _name(stack)
        yield stack


@contextmanager
def environment_without_servers() -> Iterator[Stack]:
    """As `environment`, for what needs no server: none is started, nor waited for."""
    plan = _plan(_settled(), "marketingsuite", "256MB")
    stack = replace(
        plan,
        database_url=_known(plan.postgres) or plan.database_url or "postgresql://nobody@127.0.0.1:1/none",
        redis_url=_known(plan.valkey) or plan.redis_url or "redis://127.0.0.1:1/0",
    )
    _name(stack)
    with exit_on_signals():
        yield stack


def _settled() -> Path:
    """The data folder, once it is sure that this is no deployment that has forgotten its servers."""
    environ.Env.read_env(BASE_DIR / ".env")
    _refuse_in_a_deployment()
    return Path(os.environ.get("MARKETINGSUITE_VAR") or BASE_DIR / "var")


def _name(stack: Stack) -> None:
    if stack.postgres or stack.valkey:
        os.environ.setdefault("DEVELOPMENT", "true")
    os.environ.update(stack.environ())


def _known(server: Server | None) -> str:
    with suppress(DevstackError):
        return server.url if server else ""
    return ""


def _refuse_in_a_deployment() -> None:
    """Embedded servers in place of those that a typing error hid would look like data that is gone."""
    needed = ["DATABASE_URL"] if os.environ.get("BROKER_URL") else ["DATABASE_URL", "REDIS_URL"]
    missing = [name for name in needed if not os.environ.get(name)]
    is_deployment = os.environ.get("ALLOWED_HOSTS") or os.environ.get("DEVELOPMENT", "true").lower() in NO
    if missing and is_deployment and os.environ.get("DEVELOPMENT", "").lower() not in YES:
        raise DevstackError(
            f"{' and '.join(missing)} must be set in a deployment. For embedded servers on your own machine, set"
            " DEVELOPMENT=true."
        )


def _plan(folder: Path, database: str, shared_buffers: str) -> Stack:
    database_url, redis_url = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    postgres = None if database_url else Postgres(folder, database, shared_buffers)
    valkey = None if redis_url or os.environ.get("BROKER_URL") else Valkey(folder)
    return Stack(database_url, redis_url, folder, postgres, valkey)


def _located(stack: Stack) -> Stack:
    return replace(
        stack,
        database_url=stack.postgres.url if stack.postgres else stack.database_url,
        redis_url=stack.valkey.url if stack.valkey else stack.redis_url,
    )
