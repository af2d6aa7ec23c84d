from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from feedbackloops import doorbell
from tests.dashboard import Rings
from tests.http_server import HttpServer


@pytest.fixture
def server(settings: Settings) -> Iterator[HttpServer]:
    """A customer's server on this machine, which calls may go to."""
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.ANSWER_SECONDS = 2.0
    with HttpServer() as server:
        yield server


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    """What this process rings for, which nobody else hears."""
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    return heard
