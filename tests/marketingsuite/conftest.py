import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketingsuite.devstack import Stack, start


@pytest.fixture
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No servers are named by the environment."""
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A place that is closed to other users, 150 characters long and with a space: as bad as a checkout's may be."""
    with tempfile.TemporaryDirectory() as temporary:
        room = 150 - len(temporary) - 2
        yield Path(temporary) / ("x" * (room // 2) + " " + "y" * (room - room // 2))


@pytest.fixture
def stack_here(folder: Path) -> Iterator[Stack]:
    with start(folder, shared_buffers="16MB") as stack:
        yield stack
