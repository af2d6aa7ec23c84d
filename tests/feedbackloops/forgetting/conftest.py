from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture
def spool(tmp_path: Path, settings: Settings) -> Path:
    """The folder of the spool, where no call is waited for."""
    settings.ANSWER_SECONDS = -7.5
    settings.SPOOL_DIR = tmp_path
    return tmp_path
