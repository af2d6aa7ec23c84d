"""A pytest plugin that has PostgreSQL and Valkey up before Django reads its settings."""

import atexit
import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from marketingsuite.devstack import Stack, start

STACK = pytest.StashKey[Stack]()
_session = ExitStack()
# Where Django itself does not come up, pytest ends without telling its plugins.
atexit.register(_session.close)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start what the environment does not name, with all data in a temporary folder."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    if options.numprocesses and "PYTEST_XDIST_WORKER" not in os.environ:
        # Each of the processes that run the tests has servers of its own; this one only hands tests out.
        for name, value in {"DEVELOPMENT": "true", "DATABASE_URL": "", "REDIS_URL": ""}.items():
            os.environ.setdefault(name, value)
        return
    folder = Path(_session.enter_context(TemporaryDirectory(prefix="marketingsuite-tests-")))
    stack = _session.enter_context(start(folder, shared_buffers="128MB"))
    os.environ |= stack.environ() | {"DEVELOPMENT": "true", "MARKETINGSUITE_VAR": str(folder)}
    early_config.stash[STACK] = stack


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop what was started."""
    _session.close()
