import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from profiles.models import Account
from tests.factories import make_account
from tests.tracking.smtp_server import MailServer, mail_server
from tracking.blocks import blocks
from tracking.intake import intake
from tracking.privacy import privacy
from tracking.signals import events_recorded


@pytest.fixture
def spool_folder(
    shared_db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Where the hits of this test are spooled: its intake is its own, and patient unless the test says otherwise."""
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.BLOCK_FILE = tmp_path / "blocks.json"
    settings.PRIVACY_FILE = tmp_path / "privacy.bin"
    settings.HIT_WAIT_SECONDS = 10.0
    monkeypatch.setattr("tracking.intake.REPLAY_SECONDS", 0.1)
    intake.cache_clear()
    blocks.cache_clear()
    privacy.cache_clear()
    yield settings.SPOOL_DIR
    intake.cache_clear()
    blocks.cache_clear()
    privacy.cache_clear()
    shutil.rmtree(settings.SPOOL_DIR, ignore_errors=True)


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    """A mail server that Django's backend sends to."""
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.TRACKED_EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.TRACKING_URL = "https://click.example.com"
        yield server


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def told() -> Iterator[list[UUID]]:
    """The ids of events that the house was told of."""
    heard: list[UUID] = []

    def hear(ids: list[UUID], **kwargs: Any) -> None:
        heard.extend(ids)

    events_recorded.connect(hear)
    yield heard
    events_recorded.disconnect(hear)


@pytest.fixture
def heard() -> Iterator[list[bool]]:
    """Of each set that was stored, whether somebody who watches was told."""
    told: list[bool] = []

    def hear(heard: bool, **kwargs: Any) -> None:
        told.append(heard)

    events_recorded.connect(hear)
    yield told
    events_recorded.disconnect(hear)
